"""DynamoDB through the chain. botocore checks the checksum of each response (x-amz-crc32), so a changed byte fails."""

from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Key


@pytest.fixture
def dynamodb(aws):
    return aws("dynamodb")


@pytest.fixture
def table(dynamodb, unique):
    name = unique("table")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


def item(sk, **more):
    return {"pk": {"S": "a"}, "sk": {"N": str(sk)}, **more}


def test_every_type_comes_back(dynamodb, table):
    stored = item(
        1,
        text={"S": 'Grüße 日本語 😀 \\ " \n'},
        number={"N": "12345678901234567890.5"},
        raw={"B": bytes(range(256))},
        yes={"BOOL": True},
        nothing={"NULL": True},
        names={"SS": ["x", "y"]},
        nested={"M": {"list": {"L": [{"N": "1"}, {"S": ""}]}}},
    )
    dynamodb.put_item(TableName=table, Item=stored)
    got = dynamodb.get_item(TableName=table, Key=item(1))["Item"]
    got["names"]["SS"].sort()
    assert got == stored


def test_a_query_is_paged(dynamodb, table):
    for start in range(0, 100, 25):
        puts = [
            {"PutRequest": {"Item": item(number, fill={"S": "x" * 1000})}}
            for number in range(start, start + 25)
        ]
        assert not dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "a"}},
        PaginationConfig={"PageSize": 30},
    )
    found = [[int(entry["sk"]["N"]) for entry in page["Items"]] for page in pages]
    assert [len(page) for page in found] == [30, 30, 30, 10]
    assert sum(found, []) == list(range(100))


def test_an_update_and_its_condition(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(1, count={"N": "1"}))
    update = {
        "TableName": table,
        "Key": item(1),
        "UpdateExpression": "SET #c = #c + :one",
        "ConditionExpression": "#c = :one",
        "ExpressionAttributeNames": {"#c": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValues": "ALL_NEW",
    }
    assert dynamodb.update_item(**update)["Attributes"]["count"] == {"N": "2"}
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as error:
        dynamodb.update_item(**update)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_transaction_is_all_or_nothing(dynamodb, table):
    puts = [
        {"Put": {"TableName": table, "Item": item(1)}},
        {"Put": {"TableName": table, "Item": item(2), "ConditionExpression": "attribute_exists(pk)"}},
    ]
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=puts)
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_the_resource_interface_works_too(chain, table):
    resource = boto3.session.Session().resource("dynamodb", endpoint_url=chain.url)
    things = resource.Table(table)
    with things.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item={"pk": "b", "sk": number, "price": Decimal("9.99")})
    found = things.query(KeyConditionExpression=Key("pk").eq("b") & Key("sk").between(10, 12))["Items"]
    assert [entry["sk"] for entry in found] == [10, 11, 12]
    assert found[0]["price"] == Decimal("9.99")
