//! Digests and checksums of a body that was changed: those that can be made anew are, the others go.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_plugin::FieldValue;

/// What to do with a message's fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) renewed: Vec<(&'static str, String)>,
    pub(crate) obsolete: Vec<&'static str>,
}

/// Fields that hold a digest which isn't made anew here.
const OBSOLETE: [&str; 10] = [
    "content-digest",
    "digest",
    "repr-digest",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-trailer",
    "x-amz-checksum-algorithm",
];

/// Fields that hold one that is made anew, if the body is here as a whole.
const RENEWABLE: [&str; 3] = ["content-md5", "x-amz-checksum-crc32", "x-amz-crc32"];

/// What becomes of the fields that describe a body's bytes, when these are the new ones.
pub(crate) fn of_changed_body(fields: &[(String, FieldValue)], body: &[u8]) -> Changes {
    let mut changes = Changes::default();
    for (name, value) in fields {
        let renewed = match name.as_str() {
            "content-md5" => ("content-md5", STANDARD.encode(*md5::compute(body))),
            // DynamoDB's clients check it and try again if it is wrong.
            "x-amz-crc32" => ("x-amz-crc32", crc32fast::hash(body).to_string()),
            "x-amz-checksum-crc32" => (
                "x-amz-checksum-crc32",
                STANDARD.encode(crc32fast::hash(body).to_be_bytes()),
            ),
            _ if let Some(unsigned) = unsigned(name, value) => unsigned,
            _ => {
                changes
                    .obsolete
                    .extend(OBSOLETE.iter().find(|obsolete| *obsolete == name));
                continue;
            }
        };
        changes.renewed.push(renewed);
    }
    // An algorithm may be named only beside its checksum.
    if changes
        .renewed
        .iter()
        .any(|(name, _)| *name == "x-amz-checksum-crc32")
    {
        changes
            .obsolete
            .retain(|name| !name.ends_with("-algorithm"));
    }
    changes
}

/// The same of a body that is changed as it flows: nothing can be made anew before its end.
pub(crate) fn of_flowing_body(fields: &[(String, FieldValue)]) -> Changes {
    let mut changes = Changes::default();
    for (name, value) in fields {
        let mut known = RENEWABLE.iter().chain(&OBSOLETE);
        changes.obsolete.extend(known.find(|known| *known == name));
        changes.renewed.extend(unsigned(name, value));
    }
    changes
}

/// A signature would need the client's key, and covers the head as well.
fn unsigned(name: &str, value: &FieldValue) -> Option<(&'static str, String)> {
    let is_digest = name == "x-amz-content-sha256" && value.as_bytes().len() == 64;
    is_digest.then(|| ("x-amz-content-sha256", "UNSIGNED-PAYLOAD".to_owned()))
}

/// Fields that no plugin may set (`wit/v0.1/types.wit`).
pub(crate) fn is_the_hosts(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, &str)], body: &[u8]) -> Changes {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| {
                (
                    (*name).to_owned(),
                    FieldValue::from(value.as_bytes().to_vec()),
                )
            })
            .collect();
        of_changed_body(&fields, body)
    }

    #[test]
    fn digests_are_those_of_the_new_body() {
        // Check values: RFC 1321, A.5 for MD5("abc"); the CRC catalogue's "123456789".
        let changes = of(&[("content-md5", "old")], b"abc");
        assert_eq!(
            changes.renewed,
            [("content-md5", "kAFQmDzST7DWlj99KOF/cg==".into())]
        );
        let changes = of(
            &[("x-amz-crc32", "1"), ("x-amz-checksum-crc32", "x")],
            b"123456789",
        );
        assert_eq!(
            changes.renewed,
            [
                ("x-amz-crc32", 0xcbf4_3926_u32.to_string()),
                ("x-amz-checksum-crc32", "y/Q5Jg==".into())
            ]
        );
    }

    #[test]
    fn a_body_that_flows_has_no_digest_before_its_end() {
        let sha = "0".repeat(64);
        let fields = [
            ("content-md5", "x"),
            ("x-amz-crc32", "1"),
            ("x-amz-checksum-crc32", "x"),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
            ("x-amz-checksum-sha256", "x"),
            ("x-amz-content-sha256", &sha),
            ("x-amz-request-id", "x"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), FieldValue::from(value)));
        let changes = of_flowing_body(&fields);
        let names = fields[..5].iter().map(|(name, _)| name.as_str());
        assert!(names.eq(changes.obsolete));
        let unsigned = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD".to_owned());
        assert_eq!(changes.renewed, [unsigned]);
    }

    #[test]
    fn what_cannot_be_made_anew_goes() {
        let sha = "0".repeat(64);
        let changes = of(
            &[
                ("x-amz-content-sha256", &sha),
                ("x-amz-checksum-sha256", "x"),
                ("x-amz-sdk-checksum-algorithm", "SHA256"),
            ],
            b"",
        );
        assert_eq!(
            changes.renewed,
            [("x-amz-content-sha256", "UNSIGNED-PAYLOAD".into())]
        );
        assert_eq!(
            changes.obsolete,
            ["x-amz-checksum-sha256", "x-amz-sdk-checksum-algorithm"]
        );
        let kept = of(
            &[
                ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                ("x-amz-checksum-crc32", "x"),
                ("x-amz-sdk-checksum-algorithm", "CRC32"),
                ("etag", "x"),
            ],
            b"",
        );
        assert_eq!(kept.obsolete, [""; 0]);
        assert_eq!(kept.renewed.len(), 1);
    }
}
