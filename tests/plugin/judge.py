"""Judge a packaged template: everything that invokes a function has to be on its alias.

It shares nothing with the plugin. Every value is put into plain text, as CloudFormation would,
with one account and Region, and the text is then searched for the ARNs and names of functions.
"""

# ruff: noqa: ANN401 -- a template is anything that JSON can hold

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "111122223333"
REGION = "us-east-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "kinds-dev",
    "AWS::StackId": "stack-id",
    "AWS::NoValue": "",
}
DEFINITIONS = {"AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"}
PRINCIPALS = {
    "AWS::ApiGateway::Method": "apigateway",
    "AWS::ApiGateway::Authorizer": "apigateway",
    "AWS::ApiGatewayV2::Api": "apigateway",
    "AWS::ApiGatewayV2::Integration": "apigateway",
    "AWS::ApiGatewayV2::Authorizer": "apigateway",
    "AWS::Events::Rule": "events",
    "AWS::S3::Bucket": "s3",
    "AWS::SNS::Topic": "sns",
    "AWS::SNS::Subscription": "sns",
    "AWS::Cognito::UserPool": "cognito-idp",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing",
    "AWS::Logs::SubscriptionFilter": "logs",
    "AWS::IoT::TopicRule": "iot",
    "AWS::IoT::ProvisioningTemplate": "iot",
}
BY_ROLE = {
    "AWS::Scheduler::Schedule",
    "AWS::StepFunctions::StateMachine",
    "AWS::Pipes::Pipe",
    "AWS::AppSync::DataSource",
}


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a resource means a function."""

    resource: str
    kind: str
    path: str
    function: str
    qualifier: str | None


@dataclass(slots=True)
class Verdict:
    faults: list[str] = field(default_factory=list)
    on_alias: list[Mention] = field(default_factory=list)

    def check(self, fine: object, fault: str) -> None:
        if not fine:
            self.faults.append(fault)


class Template:
    """A template, and what its expressions come to."""

    def __init__(self, body: dict[str, Any], alias: str) -> None:
        self.body = body
        self.alias = alias
        self.resources: dict[str, Any] = body["Resources"]
        self.functions = {
            id_: each["Properties"].get("FunctionName", id_)
            for id_, each in self.of_type("AWS::Lambda::Function")
            if "Custom" not in id_  # the framework's own helpers have no versions
        }

    def of_type(self, kind: str) -> list[tuple[str, Any]]:
        return [(id_, each) for id_, each in self.resources.items() if each["Type"] == kind]

    def text(self, value: Any) -> str:
        """Put an expression into plain text; ⟨…⟩ is what only AWS knows."""
        if not isinstance(value, dict):
            return str(value)
        [(kind, given)] = value.items()
        known: dict[str, Callable[[Any], str]] = {
            "Ref": self._ref,
            "Fn::GetAtt": lambda it: self._attribute(
                it if isinstance(it, list) else it.split(".", 1)
            ),
            "Fn::Join": lambda it: str(it[0]).join(self.text(each) for each in it[1]),
            "Fn::Sub": lambda it: self._sub(*(it if isinstance(it, list) else (it, {}))),
            "Fn::Select": lambda it: self.text(it[1][it[0]]),
            "Fn::If": lambda it: self.text(it[1]),
            "Fn::FindInMap": lambda it: self.text(self.body["Mappings"][it[0]][it[1]][it[2]]),
        }
        return known[kind](given) if kind in known else f"⟨{kind}⟩"

    def _ref(self, name: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.body.get("Parameters", {}):
            return str(self.body["Parameters"][name].get("Default", "kinds-dev-hello"))
        if name in self.functions:
            return str(self.functions[name])
        resource = self.resources.get(name, {})
        if resource.get("Type") == "AWS::Lambda::Alias":
            properties = resource["Properties"]
            return f"{self.text(properties['FunctionName'])}:{properties['Name']}"
        return f"⟨{name}⟩"

    def _attribute(self, given: list[str]) -> str:
        name, attribute = given
        if name in self.functions and attribute == "Arn":
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.functions[name]}"
        return f"⟨{name}.{attribute}⟩"

    def _sub(self, text: str, variables: dict[str, Any]) -> str:
        def put(match: re.Match[str]) -> str:
            name = match[1]
            if name in variables:
                return self.text(variables[name])
            return self._attribute(name.split(".", 1)) if "." in name else self._ref(name)

        return re.sub(r"\$\{([^!}]+)\}", put, text)

    def texts(self, value: Any, path: str = "") -> Iterator[tuple[str, str]]:
        """Give every text below a value, with its path."""
        if isinstance(value, list):
            for index, each in enumerate(value):
                yield from self.texts(each, f"{path}.{index}")
        elif isinstance(value, dict) and not is_expression(value):
            for key, each in value.items():
                yield from self.texts(each, f"{path}.{key}" if path else key)
        elif isinstance(value, dict | str):
            yield path, self.text(value)

    def mentions(self) -> list[Mention]:
        """Find every place outside of definitions, policies and outputs that means a function."""
        found = []
        for id_, resource in self.resources.items():
            kind = resource["Type"]
            if kind in DEFINITIONS or kind.startswith("AWS::IAM::"):
                continue
            for path, text in self.texts(resource.get("Properties", {})):
                for function, qualifier in self._meant(path, text):
                    beside = self._beside(resource, path)
                    found.append(Mention(id_, kind, path, function, qualifier or beside))
        return found

    def _meant(self, path: str, text: str) -> Iterator[tuple[str, str | None]]:
        for id_, name in self.functions.items():
            whole = (
                rf"(?:^|:function:|\"FunctionName\":\")({re.escape(name)})(?![\w-])(?::([\w$-]+))?"
            )
            for match in re.finditer(whole, text):
                if match.start() or re.search(r"(FunctionName|Arn|Endpoint|Target|\.Id)$", path):
                    yield id_, match[2]

    @staticmethod
    def _beside(resource: dict[str, Any], path: str) -> str | None:
        """Some types have the qualifier in a property of its own."""
        if path not in {"FunctionName", "TargetFunctionArn"}:
            return None
        properties: dict[str, str] = resource["Properties"]
        return properties.get("Qualifier") or properties.get("FunctionQualifier")

    def needs(self, id_: str) -> set[str]:
        resource = self.resources[id_]
        depends = resource.get("DependsOn", [])
        direct = {depends} if isinstance(depends, str) else set(depends)
        return direct | set(names_in(resource.get("Properties", {})))

    def reached(self, id_: str) -> set[str]:
        """Give everything that a resource waits for."""
        seen: set[str] = set()
        todo = [id_]
        while todo:
            for name in self.needs(todo.pop()) & self.resources.keys() - seen:
                seen.add(name)
                todo.append(name)
        return seen


def is_expression(value: dict[str, Any]) -> bool:
    return len(value) == 1 and (next(iter(value)) == "Ref" or next(iter(value)).startswith("Fn::"))


def names_in(value: Any) -> Iterator[str]:
    """Give every logical id that a value refers to."""
    if isinstance(value, list):
        for each in value:
            yield from names_in(each)
    elif isinstance(value, dict):
        if is_expression(value):
            [(kind, given)] = value.items()
            if kind == "Ref":
                yield given
            elif kind == "Fn::GetAtt":
                yield given[0] if isinstance(given, list) else given.split(".")[0]
            elif kind == "Fn::Sub":
                text, variables = given if isinstance(given, list) else (given, {})
                names = re.findall(r"\$\{([^!}.]+)", text)
                yield from (name for name in names if name not in variables)
        for each in value.values():
            yield from names_in(each)


def judge(template: Template) -> Verdict:
    """Judge what has to hold for a service whose triggers are all on the alias."""
    verdict = Verdict()
    mentions = template.mentions()
    verdict.on_alias = [each for each in mentions if each.qualifier == template.alias]
    for each in mentions:
        bare = each.qualifier != template.alias and each.path != "ServiceToken"
        verdict.check(not bare, f"{each.resource}.{each.path} is on {each.qualifier or '$LATEST'}")
    judge_aliases(template, verdict)
    judge_references(template, verdict)
    judge_rights(template, verdict)
    for each in verdict.on_alias:
        alias = alias_of(template, each.function)
        waits = alias in template.reached(each.resource)
        verdict.check(waits, f"{each.resource} may come before {alias}")
    return verdict


def alias_of(template: Template, function: str) -> str | None:
    """Find the alias resource of a function."""
    arn = template.text({"Fn::GetAtt": [function, "Arn"]})
    for id_, each in template.of_type("AWS::Lambda::Alias"):
        properties = each["Properties"]
        named = template.text(properties["FunctionName"]) in {arn, template.functions[function]}
        if named and properties["Name"] == template.alias:
            return id_
    return None


def judge_aliases(template: Template, verdict: Verdict) -> None:
    """Every function has the alias, on the version that this package publishes."""
    for function in template.functions:
        id_ = alias_of(template, function)
        verdict.check(id_, f"{function} has no alias")
        if id_:
            version = template.resources[id_]["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
            published = template.resources[version]["Properties"]["FunctionName"]["Ref"]
            verdict.check(published == function, f"{id_} is on a version of {published}")


def judge_references(template: Template, verdict: Verdict) -> None:
    """Nothing refers to what is not there, and nothing waits for itself."""
    known = template.resources.keys() | template.body.get("Parameters", {}).keys() | PSEUDO.keys()
    for id_ in template.resources:
        dangling = template.needs(id_) - known
        verdict.check(not dangling, f"{id_} refers to {sorted(dangling)}, which is not there")
        verdict.check(id_ not in template.reached(id_), f"{id_} waits for itself")
    for name in names_in(template.body.get("Outputs", {})):
        verdict.check(name in known, f"an output refers to {name}, which is not there")


def judge_rights(template: Template, verdict: Verdict) -> None:
    """Whoever invokes an alias is allowed to."""
    permissions = [each for each in verdict.on_alias if each.kind == "AWS::Lambda::Permission"]
    allowed = {(each.function, principal_of(template, each.resource)) for each in permissions}
    for each in verdict.on_alias:
        principal = PRINCIPALS.get(each.kind)
        if principal:
            fault = f"{each.resource} may not invoke {each.function}"
            verdict.check((each.function, principal) in allowed, fault)
        if each.kind in BY_ROLE or ".Destination" in each.path:
            fault = f"no role lets {each.resource} invoke {each.function}"
            verdict.check(role_allows(template, each.function), fault)


def principal_of(template: Template, permission: str) -> str:
    principal = template.text(template.resources[permission]["Properties"]["Principal"])
    return principal.split(".")[0]


def role_allows(template: Template, function: str) -> bool:
    """Say whether some policy of the template allows the alias to be invoked."""
    arn = f"{template.text({'Fn::GetAtt': [function, 'Arn']})}:{template.alias}"
    patterns = [
        template.text(resource)
        for _, role in template.of_type("AWS::IAM::Role")
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "lambda:InvokeFunction" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    return any(re.fullmatch(re.escape(each).replace(r"\*", ".*"), arn) for each in patterns)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
