"""IAM's API over HTTP, with the one simulation that moto lacks."""

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse


class IamApi(IamResponse):
    """moto's answers, plus SimulatePrincipalPolicy."""

    def simulate_principal_policy(self) -> ActionResult:
        """SimulatePrincipalPolicy: everything is allowed, as it is in this AWS."""
        resources = self._get_param("ResourceArns", ["*"])
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "allowed",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in self._get_param("ActionNames", [])
            for resource in resources
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})
