"""What starts the shop's functions: two of these by-pass the alias, on purpose."""

from typing import Any

from sah.demo.shop import STACK

Resources = dict[str, Any]

_REST = (("cart", "GET"), ("cart", "POST"), ("checkout", "POST"), ("payments", "POST"))
_HTTP = (
    ("auth", "POST /login"),
    ("catalog", "GET /catalog"),
    ("catalog", "GET /catalog/{id}"),
    ("search", "GET /search"),
    ("users", "GET /users/{id}"),
)


def event_resources() -> Resources:
    """Make every trigger of the shop."""
    return (
        _rest_api()
        | _http_api()
        | _queue("orders", _alias("orders"))
        | _queue("mailer", _alias("mailer"))
        | _queue("inventory", _latest("inventory"))
        | _topic("notifications", _alias("notifications"))
        | _schedule("reports", "Daily", "rate(1 day)", _alias("reports"))
        | _schedule("reports", "Monthly", "cron(0 6 1 * ? *)", _latest("reports"))
    )


def _alias(name: str) -> Resources:
    return {"Ref": f"{name.capitalize()}ActiveAlias"}


def _latest(name: str) -> Resources:
    """Refer to the function itself, which is how a trigger by-passes the alias."""
    return {"Fn::GetAtt": [f"{name.capitalize()}LambdaFunction", "Arn"]}


def _permission(target: Resources, service: str, source: Resources) -> Resources:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": target,
            "Action": "lambda:InvokeFunction",
            "Principal": f"{service}.amazonaws.com",
            "SourceArn": source,
        },
    }


def _execution_arn(api: str) -> Resources:
    place = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}"
    return {"Fn::Sub": f"{place}:${{{api}}}/*/*"}


def _rest_api() -> Resources:
    api = "ApiGatewayRestApi"
    resources: Resources = {
        api: {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": f"prod-{STACK}"}}
    }
    for name in sorted({name for name, _ in _REST}):
        resources[f"ApiGatewayResource{name.capitalize()}"] = {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "ParentId": {"Fn::GetAtt": [api, "RootResourceId"]},
                "PathPart": name,
                "RestApiId": {"Ref": api},
            },
        }
        resources[f"{name.capitalize()}LambdaPermissionApiGateway"] = _permission(
            _alias(name), "apigateway", _execution_arn(api)
        )
    methods = {_method_id(name, verb): _rest_method(api, name, verb) for name, verb in _REST}
    resources |= methods
    resources["ApiGatewayDeployment"] = {
        "Type": "AWS::ApiGateway::Deployment",
        "Properties": {"RestApiId": {"Ref": api}, "StageName": "prod"},
        "DependsOn": sorted(methods),
    }
    return resources


def _method_id(name: str, verb: str) -> str:
    return f"ApiGatewayMethod{name.capitalize()}{verb.capitalize()}"


def _rest_method(api: str, name: str, verb: str) -> Resources:
    path = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions"
    return {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "HttpMethod": verb,
            "ResourceId": {"Ref": f"ApiGatewayResource{name.capitalize()}"},
            "RestApiId": {"Ref": api},
            "AuthorizationType": "NONE",
            "Integration": {
                "IntegrationHttpMethod": "POST",
                "Type": "AWS_PROXY",
                "Uri": {"Fn::Join": ["", [{"Fn::Sub": f"{path}/"}, _alias(name), "/invocations"]]},
            },
        },
    }


def _http_api() -> Resources:
    resources: Resources = {
        "HttpApi": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {"Name": f"prod-{STACK}", "ProtocolType": "HTTP"},
        },
        "HttpApiStage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "HttpApi"}, "StageName": "$default"},
        },
    }
    for name in sorted({name for name, _ in _HTTP}):
        logical = name.capitalize()
        resources[f"HttpApiIntegration{logical}"] = {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "HttpApi"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": _alias(name),
                "PayloadFormatVersion": "2.0",
            },
        }
        resources[f"{logical}LambdaPermissionHttpApi"] = _permission(
            _alias(name), "apigateway", _execution_arn("HttpApi")
        )
    for number, (name, route) in enumerate(_HTTP, 1):
        target = [{"Ref": f"HttpApiIntegration{name.capitalize()}"}]
        resources[f"HttpApiRoute{number}"] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "HttpApi"},
                "RouteKey": route,
                "Target": {"Fn::Join": ["/", ["integrations", *target]]},
            },
        }
    return resources


def _queue(name: str, target: Resources) -> Resources:
    queue = f"{name.capitalize()}Queue"
    return {
        queue: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{STACK}-{name}"}},
        f"{name.capitalize()}EventSourceMappingSQS": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "BatchSize": 10,
                "EventSourceArn": {"Fn::GetAtt": [queue, "Arn"]},
                "FunctionName": target,
                "Enabled": True,
            },
        },
    }


def _topic(name: str, target: Resources) -> Resources:
    topic = "SNSTopicOrderplaced"
    return {
        topic: {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "TopicName": f"{STACK}-order-placed",
                "Subscription": [{"Endpoint": target, "Protocol": "lambda"}],
            },
        },
        f"{name.capitalize()}LambdaPermissionSNS": _permission(target, "sns", {"Ref": topic}),
    }


def _schedule(name: str, when: str, expression: str, target: Resources) -> Resources:
    rule = f"{name.capitalize()}EventsRuleSchedule{when}"
    return {
        rule: {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": f"{STACK}-{name}-{when.lower()}",
                "ScheduleExpression": expression,
                "State": "ENABLED",
                "Targets": [{"Arn": target, "Id": f"{name}{when}"}],
            },
        },
        f"{name.capitalize()}LambdaPermissionEvents{when}": _permission(
            target, "events", {"Fn::GetAtt": [rule, "Arn"]}
        ),
    }
