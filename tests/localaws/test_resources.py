"""Resources beside functions: what moto models, what it models wrongly, and the rest."""

# ruff: noqa: ANN401 -- what boto3 takes and answers is Any

import json
import re
from typing import Any

import pytest

from tests.localaws.conftest import Client, Clients, create_function, refuse
from tests.localaws.stacks import (
    Resources,
    body,
    function,
    get,
    ids,
    reasons,
    ref,
    service,
    status,
    upload,
)

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello"


def resource(kind: str, **properties: Any) -> Resources:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def create(cfn: Client, resources: Resources, **more: Any) -> dict[str, str]:
    cfn.create_stack(StackName="demo", TemplateBody=body(resources, **more))
    assert reasons(cfn) == []
    assert status(cfn) == "CREATE_COMPLETE"
    return ids(cfn)


def update(cfn: Client, resources: Resources, **more: Any) -> dict[str, str]:
    cfn.update_stack(StackName="demo", TemplateBody=body(resources, **more))
    assert reasons(cfn) == []
    assert status(cfn) == "UPDATE_COMPLETE"
    return ids(cfn)


def permission(name: Any) -> Resources:
    return resource(
        "Lambda::Permission",
        FunctionName=name,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )


def permitted(lam: Client, **qualifier: str) -> list[str]:
    policy = json.loads(lam.get_policy(FunctionName="hello", **qualifier)["Policy"])
    return [each["Resource"] for each in policy["Statement"]]


@pytest.fixture
def builds(s3: Client) -> None:
    upload(s3, "A", "B")


@pytest.mark.usefixtures("builds")
@pytest.mark.parametrize(
    ("name", "params", "arn"),
    [
        (ref("helloFunction"), {}, ARN),
        (get("helloFunction", "Arn"), {}, ARN),
        (ref("helloAlias"), {"Qualifier": "ACTIVE"}, f"{ARN}:ACTIVE"),
        (get("helloAlias", "AliasArn"), {"Qualifier": "ACTIVE"}, f"{ARN}:ACTIVE"),
        (ref("helloVersionA"), {"Qualifier": "1"}, f"{ARN}:1"),
        (
            {"Fn::Join": [":", [get("helloFunction", "Arn"), "ACTIVE"]]},
            {"Qualifier": "ACTIVE"},
            f"{ARN}:ACTIVE",
        ),
    ],
)
def test_a_permission_lands_on_what_it_names(
    cfn: Client, lam: Client, name: Any, params: dict[str, str], arn: str
) -> None:
    allow = permission(name) | {"DependsOn": ["helloAlias"]}
    create(cfn, service("A") | {"Allow": allow})
    assert permitted(lam, **params) == [arn]


@pytest.mark.usefixtures("builds")
def test_a_permission_moves_to_the_alias_and_goes(cfn: Client, lam: Client) -> None:
    create(cfn, service("A") | {"Allow": permission(ref("helloFunction"))})
    update(cfn, service("A") | {"Allow": permission(ref("helloAlias"))})
    assert permitted(lam, Qualifier="ACTIVE") == [f"{ARN}:ACTIVE"]
    assert refuse(lam.get_policy, FunctionName="hello")[1] == 404
    update(cfn, service("A"))
    assert refuse(lam.get_policy, FunctionName="hello", Qualifier="ACTIVE")[1] == 404


@pytest.mark.usefixtures("builds")
def test_a_mapping_keeps_the_alias(cfn: Client, lam: Client) -> None:
    def with_target(target: Any, **more: Any) -> Resources:
        mapping = resource(
            "Lambda::EventSourceMapping",
            EventSourceArn=get("Queue", "Arn"),
            FunctionName=target,
            **more,
        )
        return service("A") | {"Queue": resource("SQS::Queue"), "Mapping": mapping}

    named = create(cfn, with_target(get("helloFunction", "Arn"), Enabled="true"))
    shown = lam.get_event_source_mapping(UUID=named["Mapping"])
    assert (shown["FunctionArn"], shown["State"]) == (ARN, "Enabled")
    same = update(cfn, with_target(ref("helloAlias"), BatchSize=3, Enabled=False))
    assert same["Mapping"] == named["Mapping"]
    shown = lam.get_event_source_mapping(UUID=named["Mapping"])
    assert shown["FunctionArn"] == f"{ARN}:ACTIVE"
    assert (shown["BatchSize"], shown["State"]) == (3, "Disabled")
    outputs = {"Id": {"Value": get("Mapping", "Id")}}
    update(cfn, with_target(ref("helloAlias"), BatchSize=3, Enabled=False), Outputs=outputs)
    update(cfn, service("A"))
    assert lam.list_event_source_mappings()["EventSourceMappings"] == []


@pytest.mark.usefixtures("builds")
def test_a_topic_with_subscriptions(cfn: Client, clients: Clients) -> None:
    sns = clients.get("sns")

    def stack(endpoint: Any, **more: Any) -> Resources:
        subscription = resource(
            "SNS::Subscription",
            TopicArn=ref("Topic"),
            Protocol="lambda",
            Endpoint=endpoint,
            FilterPolicy={"kind": ["a"]},
        )
        topic = resource("SNS::Topic", TopicName="news", **more)
        return service("A") | {"Topic": topic, "Subscription": subscription}

    named = create(cfn, stack(get("helloFunction", "Arn")))
    subscription = named["Subscription"]
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert (shown["Endpoint"], shown["FilterPolicy"]) == (ARN, '{"kind": ["a"]}')
    changed = stack(ref("helloAlias"))
    changed["Subscription"]["Properties"]["FilterPolicy"] = {"kind": ["b"]}
    named = update(cfn, changed)
    listed = sns.list_subscriptions_by_topic(TopicArn=named["Topic"])["Subscriptions"]
    assert [each["Endpoint"] for each in listed] == [f"{ARN}:ACTIVE"]
    changed["Subscription"]["Properties"]["FilterPolicy"] = {"kind": ["c"]}
    more = [{"Endpoint": "someone@example.com", "Protocol": "email"}]
    changed["Topic"]["Properties"]["Subscription"] = more
    named = update(cfn, changed)
    shown = sns.get_subscription_attributes(SubscriptionArn=named["Subscription"])["Attributes"]
    assert shown["FilterPolicy"] == '{"kind": ["c"]}'
    listed = sns.list_subscriptions_by_topic(TopicArn=named["Topic"])["Subscriptions"]
    assert {each["Protocol"] for each in listed} == {"lambda", "email"}
    del changed["Subscription"]
    update(cfn, changed)
    listed = sns.list_subscriptions_by_topic(TopicArn=named["Topic"])["Subscriptions"]
    assert {each["Protocol"] for each in listed} == {"email"}


@pytest.mark.usefixtures("builds")
def test_a_rule_calls_the_alias(cfn: Client, clients: Clients) -> None:
    events = clients.get("events")

    def stack(target: Any, rate: str) -> Resources:
        rule = resource(
            "Events::Rule",
            ScheduleExpression=f"rate({rate})",
            State="ENABLED",
            Targets=[{"Arn": target, "Id": "first"}],
        )
        return service("A") | {"Rule": rule}

    named = create(cfn, stack(get("helloFunction", "Arn"), "1 hour"))
    same = update(cfn, stack(ref("helloAlias"), "2 hours"))
    assert same["Rule"] == named["Rule"]
    targets = events.list_targets_by_rule(Rule=named["Rule"])["Targets"]
    assert [target["Arn"] for target in targets] == [f"{ARN}:ACTIVE"]
    assert events.describe_rule(Name=named["Rule"])["ScheduleExpression"] == "rate(2 hours)"
    update(cfn, service("A"))
    assert events.list_rules()["Rules"] == []


def rest_api(uri: str, **more: Any) -> Resources:
    integration = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri}
    of_api = {"RestApiId": ref("Api")}
    return {
        "Api": resource("ApiGateway::RestApi", Name="demo"),
        "Path": resource(
            "ApiGateway::Resource",
            **of_api,
            ParentId=get("Api", "RootResourceId"),
            PathPart="orders",
        ),
        "Get": resource(
            "ApiGateway::Method",
            **of_api,
            HttpMethod="GET",
            ResourceId=ref("Path"),
            AuthorizationType="NONE",
            Integration=integration,
        ),
        # CORS: an integration without a Uri, which moto's own model cannot create.
        "Options": resource(
            "ApiGateway::Method",
            **of_api,
            HttpMethod="OPTIONS",
            ResourceId=ref("Path"),
            AuthorizationType="NONE",
            Integration={"Type": "MOCK", "RequestTemplates": {"application/json": "{}"}},
        ),
    } | more


def test_a_rest_api_can_change(cfn: Client, clients: Clients) -> None:
    api = clients.get("apigateway")
    base = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions"
    stage = resource("ApiGateway::Deployment", RestApiId=ref("Api"), StageName="dev")
    named = create(cfn, rest_api(f"{base}/{ARN}/invocations", Deploy1=stage))
    second = rest_api(f"{base}/{ARN}:ACTIVE/invocations", Deploy2=stage)
    same = update(cfn, second)
    assert same["Path"] == named["Path"]
    shown = api.get_integration(restApiId=named["Api"], resourceId=named["Path"], httpMethod="GET")
    assert shown["uri"].endswith(f"{ARN}:ACTIVE/invocations")
    shown = api.get_integration(
        restApiId=named["Api"], resourceId=named["Path"], httpMethod="OPTIONS"
    )
    assert shown["type"] == "MOCK"
    deployments = api.get_deployments(restApiId=named["Api"])["items"]
    assert [each["id"] for each in deployments] == [same["Deploy2"]]
    assert api.get_stage(restApiId=named["Api"], stageName="dev")["deploymentId"]
    del second["Get"]
    del second["Deploy2"]
    update(cfn, second)
    methods = api.get_resource(restApiId=named["Api"], resourceId=named["Path"])
    assert set(methods["resourceMethods"]) == {"OPTIONS"}
    cfn.delete_stack(StackName="demo")
    assert api.get_rest_apis()["items"] == []


def test_queues_groups_roles_and_buckets(cfn: Client, clients: Clients) -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    resources = {
        "Queue": resource("SQS::Queue", QueueName="orders", VisibilityTimeout=60),
        "Logs": resource("Logs::LogGroup", LogGroupName="/aws/lambda/hello"),
        "Role": resource("IAM::Role", RoleName="runner", AssumeRolePolicyDocument=trust),
        "Bucket": resource("S3::Bucket"),
        "Policy": resource(
            "S3::BucketPolicy",
            Bucket=ref("Bucket"),
            PolicyDocument={"Version": "2012-10-17", "Statement": []},
        ),
    }
    named = create(cfn, resources)
    assert named["Queue"].endswith("/orders")
    assert (named["Logs"], named["Role"]) == ("/aws/lambda/hello", "runner")
    assert named["Policy"] == named["Bucket"]
    assert clients.get("iam").get_role(RoleName="runner")["Role"]["RoleName"] == "runner"
    resources["Queue"]["Properties"]["VisibilityTimeout"] = 90
    resources["Logs"]["Properties"]["RetentionInDays"] = 7
    resources["Bucket"]["Properties"]["Tags"] = [{"Key": "a", "Value": "b"}]
    statement = {"Effect": "Deny", "Action": "s3:*", "Principal": "*", "Resource": "*"}
    resources["Policy"]["Properties"]["PolicyDocument"]["Statement"] = [statement]
    assert update(cfn, resources) == named
    s3 = clients.get("s3")
    s3.put_object(Bucket=named["Bucket"], Key="a", Body=b"")  # nobody obeys the policy
    assert '"Deny"' in s3.get_bucket_policy(Bucket=named["Bucket"])["Policy"]
    s3.delete_object(Bucket=named["Bucket"], Key="a")
    update(cfn, {"Bucket": resources["Bucket"]})
    assert refuse(s3.get_bucket_policy, Bucket=named["Bucket"])[0] == "NoSuchBucketPolicy"
    assert clients.get("sqs").list_queues().get("QueueUrls", []) == []
    assert clients.get("logs").describe_log_groups()["logGroups"] == []


@pytest.mark.usefixtures("builds")
def test_a_layer(cfn: Client, lam: Client) -> None:
    content = {"S3Bucket": "builds", "S3Key": "A.zip"}
    layer = resource("Lambda::LayerVersion", LayerName="shared", Content=content)
    fn = function("A", Layers=[ref("Layer")])
    named = create(cfn, {"Layer": layer, "F": fn})
    assert named["Layer"] == "arn:aws:lambda:eu-west-1:123456789012:layer:shared:1"
    layer["Properties"]["Content"] = content | {"S3Key": "B.zip"}
    named = update(cfn, {"Layer": layer, "F": fn})
    shown = lam.get_function_configuration(FunctionName="hello")["Layers"]
    assert [each["Arn"] for each in shown] == [named["Layer"]]
    listed = lam.list_layer_versions(LayerName="shared")["LayerVersions"]
    assert [each["Version"] for each in listed] == [2]


@pytest.mark.parametrize(
    ("kind", "properties", "wanted"),
    [
        ("ApiGatewayV2::Api", {"Name": "http", "ProtocolType": "HTTP"}, r"[0-9a-z]{10}"),
        ("ApiGatewayV2::Stage", {"ApiId": "x", "StageName": "$default"}, r"\$default"),
        ("ApiGatewayV2::Route", {"ApiId": "x"}, r"[0-9a-z]{10}"),
        ("ApiGatewayV2::Integration", {"ApiId": "x"}, r"[0-9a-z]{10}"),
        ("ApiGatewayV2::Authorizer", {"ApiId": "x", "Name": "a"}, r"[0-9a-z]{10}"),
        ("Lambda::Url", {"AuthType": "NONE", "TargetFunctionArn": "hello"}, ARN),
        ("Lambda::Url", {"TargetFunctionArn": ARN, "Qualifier": "ACTIVE"}, f"{ARN}:ACTIVE"),
        ("Lambda::EventInvokeConfig", {"Qualifier": "A"}, r"demo-Thing-[0-9A-Z]{12}"),
        ("Lambda::LayerVersionPermission", {"Action": "a"}, r"demo-Thing-[0-9A-Z]{12}"),
        ("Scheduler::Schedule", {"Name": "nightly"}, "nightly"),
        ("Nobody::Knows", {"KnowsName": "mine"}, "mine"),
        ("Cognito::UserPool", {"UserPoolName": "people"}, r"[0-9a-z]{10}"),
        # moto has a model for this one, which fails on a template without a Name.
        ("ApiGateway::RestApi", {"Body": {}}, r"[0-9a-z]{10}"),
    ],
)
def test_what_nobody_models_stays_inert(
    cfn: Client, kind: str, properties: Resources, wanted: str
) -> None:
    outputs = {"Url": {"Value": get("Thing", "FunctionUrl")}, "Arn": {"Value": get("Thing", "Arn")}}
    named = create(cfn, {"Thing": resource(kind, **properties)}, Outputs=outputs)
    assert re.fullmatch(wanted, named["Thing"])
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]["Outputs"]
    assert shown[1]["OutputValue"].startswith("arn:aws:")
    other = resource(kind, **properties, Changed=True)
    assert update(cfn, {"Thing": other}, Outputs=outputs) == named
    cfn.delete_stack(StackName="demo")


def test_an_inert_resource_with_a_new_name_is_a_new_one(cfn: Client) -> None:
    create(cfn, {"Thing": resource("Scheduler::Schedule", Name="a")})
    assert update(cfn, {"Thing": resource("Scheduler::Schedule", Name="b")}) == {"Thing": "b"}


def test_a_custom_resource_is_inert_too(cfn: Client, lam: Client) -> None:
    create_function(lam)
    custom = {"Type": "Custom::S3", "Properties": {"ServiceToken": ARN, "FunctionName": "hello"}}
    assert set(create(cfn, {"Custom": custom})) == {"Custom"}


def test_another_type_under_the_same_name_is_a_new_resource(cfn: Client) -> None:
    create(cfn, {"Thing": resource("SQS::Queue")})
    named = update(cfn, {"Thing": resource("SNS::Topic")})
    assert named["Thing"].startswith("arn:aws:sns:")


def test_attributes_that_moto_does_not_know(cfn: Client) -> None:
    outputs = {
        "Url": {"Value": get("Bucket", "WebsiteURL")},
        "Arn": {"Value": get("Topic", "TopicArn")},
        "Layered": {"Value": get("Role", "Arn")},
    }
    resources = {
        "Bucket": resource("S3::Bucket", BucketName="photos"),
        "Topic": resource("SNS::Topic", TopicName="news"),
        "Role": resource("IAM::Role", RoleName="runner", AssumeRolePolicyDocument={}),
    }
    create(cfn, resources, Outputs=outputs)
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]["Outputs"]
    values = {each["OutputKey"]: each["OutputValue"] for each in shown}
    assert values["Arn"] == "arn:aws:sns:eu-west-1:123456789012:news"
    assert values["Layered"] == "arn:aws:iam::123456789012:role/runner"
    assert "photos" in values["Url"]


def test_long_names_are_cut(cfn: Client) -> None:
    name = "A" * 60
    named = create(cfn, {name: resource("S3::Bucket"), f"B{name}": resource("Nobody::Knows")})
    assert len(named[name]) <= 63
    assert len(named[f"B{name}"]) <= 64


def test_lists_lose_what_has_no_value(cfn: Client, clients: Clients) -> None:
    listed = [ref("AWS::NoValue"), {"Key": "a", "Value": ref("AWS::StackName")}]
    named = create(cfn, {"Queue": resource("SQS::Queue", Tags=listed)})
    tags = clients.get("sqs").list_queue_tags(QueueUrl=named["Queue"])["Tags"]
    assert tags == {"a": "demo"}
