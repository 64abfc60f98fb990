//! What a field of a document holds, by its name: what is swapped there, and what is the user's own and stays.

/// What is swapped in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing: keys, prefixes, markers, item values, messages.
    Content,
    /// An account by itself, and what `Text` says.
    Account,
    /// A region or a zone by itself, and what `Text` says.
    Region,
    /// ARNs, names of resources, hosts and service URLs; documents in documents.
    Text,
    /// A URL, or a path, whose first segment is a bucket: what follows is a key.
    Bucket,
}

/// Whose document it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    /// The service by the name that its requests are signed by.
    pub(crate) service: &'a str,
    /// Whether it is the answer.
    pub(crate) is_answer: bool,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Field<'a> {
    /// The name of the field, of the list that it is in, or none at the top.
    pub(crate) name: &'a str,
    /// The name of what the field is in.
    pub(crate) parent: &'a str,
    /// In a list of names and values: the name beside this value.
    pub(crate) beside: Option<&'a str>,
}

/// Fields that hold what a user put there or what only the service can read, in every API.
const CONTENT: [&str; 13] = [
    "ciphertextblob",
    "delimiter",
    "encryptioncontext",
    "explicithashkey",
    "key",
    "partitionkey",
    "payload",
    "plaintext",
    "secretbinary",
    "secretstring",
    "startafter",
    "tagkeys",
    "zipfile",
];

/// The same, of any name that has one of these in it.
const CONTENT_IN: [&str; 10] = [
    "token",
    "marker",
    "cursor",
    "prefix",
    "sharditerator",
    "receipthandle",
    "exclusivestart",
    "lastevaluated",
    "password",
    "signature",
];

/// The same, of single services.
fn is_content_of(api: Api<'_>, name: &str) -> bool {
    match api.service {
        "dynamodb" => matches!(
            name,
            "attributes"
                | "attributeupdates"
                | "dynamodb"
                | "expected"
                | "expressionattributenames"
                | "expressionattributevalues"
                | "item"
                | "itemcollectionkey"
                | "items"
                | "keyconditions"
                | "keys"
                | "parameters"
                | "queryfilter"
                | "responses"
                | "scanfilter"
                | "statement"
        ),
        "sqs" => {
            matches!(name, "body" | "messagebody")
                || name.starts_with("messageattribute")
                || name.starts_with("messagesystemattribute")
        }
        // What a user publishes; in an answer it is the text of an error.
        "sns" => {
            matches!(name, "filterpolicy" | "subject")
                || name.starts_with("messageattribute")
                || (name == "message" && !api.is_answer)
        }
        // What models are asked, and what they say: an answer comes in pieces that begin anywhere.
        "bedrock" => matches!(name, "delta" | "messages" | "output" | "start" | "system"),
        "events" => matches!(name, "detail" | "input" | "inputtemplate"),
        "lambda" | "pipes" => name == "filtercriteria",
        "logs" => matches!(
            name,
            "events" | "filterpattern" | "logevents" | "querystring" | "results"
        ),
        "scheduler" => name == "input",
        "ses" => {
            matches!(
                name,
                "body"
                    | "content"
                    | "html"
                    | "htmlpart"
                    | "rawmessage"
                    | "subject"
                    | "templatedata"
                    | "text"
                    | "textpart"
            ) || (name == "message" && !api.is_answer)
        }
        "states" => matches!(name, "input" | "output"),
        "athena" | "rds-data" | "redshift-data" | "timestream" => matches!(
            name,
            "parameters" | "querystring" | "records" | "resultset" | "rows" | "sql" | "sqls"
        ),
        _ => false,
    }
}

/// What is swapped in a field of an API's document.
pub(crate) fn class(api: Api<'_>, field: Field<'_>) -> Class {
    if api.service == "s3" {
        return class_in_s3(field);
    }
    let is_tag = normalized(field.parent).contains("tag")
        || field
            .beside
            .is_some_and(|beside| beside.to_ascii_lowercase().starts_with("tag"));
    // A line of a log that is followed; elsewhere a message is the service's.
    let is_line = api.service == "logs"
        && field.parent.eq_ignore_ascii_case("sessionResults")
        && field.name.eq_ignore_ascii_case("message");
    if is_line {
        return Class::Content;
    }
    let class = match field.beside {
        Some(beside) => by_name(api, &normalized(beside), ""),
        None => by_name(api, &normalized(field.name), &normalized(field.parent)),
    };
    match class {
        // What a tag is called is up to the user.
        Class::Account | Class::Region if is_tag => Class::Text,
        class => class,
    }
}

fn by_name(api: Api<'_>, name: &str, parent: &str) -> Class {
    if CONTENT.contains(&name)
        || CONTENT_IN.iter().any(|part| name.contains(part))
        || is_content_of(api, name)
    {
        Class::Content
    } else if is_account(name, parent) {
        Class::Account
    } else if is_region(name) {
        Class::Region
    } else {
        Class::Text
    }
}

fn is_account(name: &str, parent: &str) -> bool {
    let owner = |name: &str| name.contains("account") || name.contains("owner");
    owner(name)
        || matches!(
            name,
            "aws"
                | "catalogid"
                | "principal"
                | "principals"
                | "registryid"
                | "registryids"
                | "requesterid"
                | "senderid"
                | "userid"
                | "userids"
        )
        || (name == "id" && (owner(parent) || matches!(parent, "grantee" | "initiator")))
}

fn is_region(name: &str) -> bool {
    name.contains("region")
        || name.contains("availabilityzone")
        || matches!(name, "locationconstraint" | "zonename" | "zonenames")
}

/// S3's documents are lists of a user's keys above all, so that only what is known for the service's is swapped.
fn class_in_s3(field: Field<'_>) -> Class {
    let (name, parent) = (normalized(field.name), normalized(field.parent));
    let of_bucket = matches!(
        parent.as_str(),
        "bucket" | "listbucketresult" | "listversionsresult" | "listmultipartuploadresult"
    );
    match name.as_str() {
        "bucket" | "bucketname" | "targetbucket" => Class::Text,
        "name" if of_bucket => Class::Text,
        "location" | "endpoint" => Class::Bucket,
        "id" if matches!(parent.as_str(), "owner" | "initiator" | "grantee") => Class::Account,
        "account" | "accountid" | "sourceaccountid" => Class::Account,
        "region" | "bucketregion" | "locationconstraint" => Class::Region,
        "queue" | "topic" | "cloudfunction" | "role" | "queuearn" | "topicarn"
        | "lambdafunctionarn" | "bucketarn" | "kmsmasterkeyid" | "replicakmskeyid" | "kmskeyid"
        | "keyid" | "functionarn" | "tablebucketarn" | "tablearn" => Class::Text,
        _ => Class::Content,
    }
}

/// What is swapped in a field of a head, or in a parameter of a presigned URL.
pub(crate) fn class_of_head(name: &str) -> Class {
    let of_aws = name
        .strip_prefix("x-amz-")
        .or_else(|| name.strip_prefix("x-amzn-"));
    let Some(rest) = of_aws else {
        return match name {
            "bucket-region" => Class::Region,
            _ => Class::Content,
        };
    };
    let is_content = rest.starts_with("meta-")
        || rest.starts_with("tagging")
        || matches!(
            rest,
            "server-side-encryption-context"
                | "target"
                | "website-redirect-location"
                | "signedheaders"
        )
        || rest.contains("token")
        || rest.contains("signature");
    let rest = normalized(rest);
    if is_content {
        Class::Content
    } else if rest == "copysource" {
        Class::Bucket
    } else if is_account(&rest, "") {
        Class::Account
    } else if is_region(&rest) {
        Class::Region
    } else {
        Class::Text
    }
}

/// A name in small letters and digits alone: `aws:SourceAccount` and `source-account` are to be alike.
fn normalized(name: &str) -> String {
    let parts = name.chars().filter(char::is_ascii_alphanumeric);
    parts.map(|part| part.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(service: &str, name: &str) -> Class {
        let api = Api {
            service,
            is_answer: false,
        };
        class(
            api,
            Field {
                name,
                ..Field::default()
            },
        )
    }

    #[test]
    fn fields_are_told_by_their_names() {
        for (service, name, class) in [
            ("sts", "Account", Class::Account),
            ("iam", "aws:SourceAccount", Class::Account),
            ("iam", "AWS", Class::Account),
            ("ec2", "ownerId", Class::Account),
            ("ecr", "registryId", Class::Account),
            ("ec2", "availabilityZone", Class::Region),
            ("ec2", "RegionName", Class::Region),
            ("iam", "RoleName", Class::Text),
            ("iam", "Marker", Class::Content),
            ("iam", "PathPrefix", Class::Content),
            ("logs", "nextToken", Class::Content),
            ("logs", "events", Class::Content),
            ("logs", "message", Class::Text),
            ("bedrock", "messages", Class::Content),
            ("bedrock", "modelArn", Class::Text),
            ("iam", "events", Class::Text),
            ("kinesis", "PartitionKey", Class::Content),
            ("sqs", "MessageBody", Class::Content),
            ("dynamodb", "ExpressionAttributeValues", Class::Content),
            ("dynamodb", "TableArn", Class::Text),
            ("secretsmanager", "SecretString", Class::Content),
            ("s3", "Key", Class::Content),
            ("s3", "Prefix", Class::Content),
            ("s3", "Bucket", Class::Text),
        ] {
            assert_eq!(of(service, name), class, "{service} {name}");
        }
    }

    #[test]
    fn a_value_goes_by_the_name_beside_it() {
        let beside = |service, parent, beside| {
            let api = Api {
                service,
                is_answer: true,
            };
            class(
                api,
                Field {
                    name: "value",
                    parent,
                    beside: Some(beside),
                },
            )
        };
        assert_eq!(beside("sns", "entry", "Owner"), Class::Account);
        assert_eq!(beside("sns", "entry", "FilterPolicy"), Class::Content);
        assert_eq!(beside("ec2", "Filter", "owner-id"), Class::Account);
        assert_eq!(beside("ec2", "Filter", "tag:owner"), Class::Text);
        assert_eq!(beside("iam", "Tags", "owner"), Class::Text);
    }

    #[test]
    fn fields_of_a_head_are_told_by_their_names() {
        for (name, class) in [
            ("x-amz-expected-bucket-owner", Class::Account),
            ("x-amz-account-id", Class::Account),
            ("x-amz-bucket-region", Class::Region),
            ("x-amz-copy-source", Class::Bucket),
            ("x-amz-credential", Class::Text),
            ("x-amz-server-side-encryption-aws-kms-key-id", Class::Text),
            ("x-amz-meta-account", Class::Content),
            ("x-amz-security-token", Class::Content),
            ("x-source", Class::Content),
        ] {
            assert_eq!(class_of_head(name), class, "{name}");
        }
    }
}
