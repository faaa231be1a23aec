"""Where the functions, versions and aliases of one account and Region are kept."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction, LambdaStorage

from sah.localaws.aliases import Alias, check_alias_name
from sah.localaws.errors import LambdaError, check_revision, invalid, not_found
from sah.localaws.functions import Function
from sah.localaws.names import LATEST, Named, make_arn, parse_name

Params = Mapping[str, Any]


class Storage(LambdaStorage):
    """moto's storage with AWS's rules for versions, aliases and qualifiers."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.aliases: dict[str, dict[str, Alias]] = defaultdict(dict)
        # AWS never gives a number twice, not even after the function was deleted.
        self.last_numbers: dict[str, int] = defaultdict(int)

    def arn(self, named: Named) -> str:
        """Write an ARN of this account and Region."""
        return make_arn(self.account_id, self.region_name, named)

    def get_function_by_name_or_arn_with_qualifier(
        self, name_or_arn: str, qualifier: str | None = None
    ) -> Function:
        """Find the function, version or alias's version that is meant.

        :raises LambdaError: there is none.
        """
        named = parse_name(name_or_arn, qualifier)
        alias = self.aliases[named.function].get(named.qualifier or "")
        version = alias.function_version if alias else named.qualifier
        found = self.find_version(named.function, version or LATEST)
        if found is None:
            raise not_found(self.arn(named))
        return found

    def find_version(self, name: str, version: str) -> Function | None:
        """Look up ``$LATEST`` or a published version."""
        group = self._functions.get(name)
        if group is None:
            return None
        every: list[Function] = [group["latest"], *group["versions"]]
        return next((fn for fn in every if str(fn.version) == version), None)

    def put_function(self, fn: LambdaFunction) -> None:
        """Keep a new function. Unlike AWS (and moto), do not ask IAM for its role."""
        self._functions[fn.function_name] = {"latest": fn, "versions": []}
        self._arns[fn.function_arn] = fn

    def versions(self, name: str) -> list[Function]:
        """List ``$LATEST`` and the published versions, oldest first."""
        named = parse_name(name)
        latest = self.get_function_by_name_or_arn_with_qualifier(named.function)
        return [latest, *self._functions[named.function]["versions"]]

    def publish(self, name: str, params: Params) -> Function:
        """Publish ``$LATEST``, or return the last version when nothing changed.

        :raises LambdaError: no such function, a stale RevisionId, or other code.
        """
        latest = self.get_function_by_name_or_arn_with_qualifier(name)
        check_revision(params.get("RevisionId"), latest.revision_id)
        sha = params.get("CodeSha256") or latest.code_sha_256
        if sha != latest.code_sha_256:
            raise invalid(
                f"CodeSHA256 ({sha}) is different from current CodeSHA256 in $LATEST "
                f"({latest.code_sha_256}). Please try again with the CodeSHA256 in $LATEST."
            )
        return self.find_published(latest) or self._add_version(latest, params.get("Description"))

    def find_published(self, latest: Function) -> Function | None:
        """Look up the last version, if it is what ``$LATEST`` still is."""
        versions: list[Function] = self._functions[latest.function_name]["versions"]
        same = versions and versions[-1].frozen_from == latest.fingerprint()
        return versions[-1] if same else None

    def _add_version(self, latest: Function, description: str | None) -> Function:
        name = latest.function_name
        self.last_numbers[name] += 1
        frozen = latest.freeze(str(self.last_numbers[name]), description)
        self._functions[name]["versions"].append(frozen)
        self._arns[frozen.function_arn] = frozen
        return frozen

    def del_function(self, name_or_arn: str, qualifier: str | None = None) -> None:
        """Delete a function with all that is its own, or one version.

        :raises LambdaError: it is not there, or an alias still needs the version.
        """
        named = parse_name(name_or_arn, qualifier)
        found = self.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier)
        if named.qualifier is None:
            del self._functions[named.function]
            self.aliases.pop(named.function, None)
        else:
            self._check_deletable(found, named.qualifier)
            self._functions[named.function]["versions"].remove(found)

    def _check_deletable(self, found: Function, qualifier: str) -> None:
        if qualifier == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")
        if str(found.version) != qualifier:
            raise invalid(f"Cannot delete through an alias: {qualifier}")
        aliases = self.aliases[found.function_name].values()
        if users := sorted(a.name for a in aliases if qualifier in a.versions()):
            raise LambdaError(
                "ResourceConflictException",
                "Unable to delete version because the following aliases reference it: "
                f"[{', '.join(users)}]",
            )

    def add_alias(self, name: str, params: Params) -> Alias:
        """Create an alias.

        :raises LambdaError: it is there already, or its parameters make no sense.
        """
        named = parse_name(name)
        check_alias_name(params["Name"])
        arn = self.arn(Named(named.function, params["Name"]))
        if params["Name"] in self.aliases[named.function]:
            raise LambdaError("ResourceConflictException", f"Alias already exists: {arn}")
        alias = Alias(arn, params["Name"], params["FunctionVersion"])
        alias.change(params, lambda version: self.find_version(named.function, version))
        self.aliases[named.function][alias.name] = alias
        return alias

    def change_alias(self, name: str, alias_name: str, params: Params) -> Alias:
        """Update an alias.

        :raises LambdaError: it is not there, a stale RevisionId, or bad parameters.
        """
        alias = self.show_alias(name, alias_name)
        check_revision(params.get("RevisionId"), alias.revision_id)
        function = parse_name(name).function
        alias.change(params, lambda version: self.find_version(function, version))
        return alias

    def show_alias(self, name: str, alias_name: str) -> Alias:
        """Look up an alias.

        :raises LambdaError: it is not there.
        """
        named = Named(parse_name(name).function, alias_name)
        alias = self.aliases[named.function].get(alias_name)
        if alias is None:
            arn = self.arn(named)
            raise LambdaError("ResourceNotFoundException", f"Cannot find alias arn: {arn}")
        return alias

    def drop_alias(self, name: str, alias_name: str) -> None:
        """Delete an alias; AWS does not mind when there is none."""
        self.aliases[parse_name(name).function].pop(alias_name, None)

    def aliases_of(self, name: str, version: str | None) -> list[Alias]:
        """List a function's aliases by name, all or those that may invoke a version."""
        latest = self.get_function_by_name_or_arn_with_qualifier(name)
        every = self.aliases[latest.function_name].values()
        kept = [a for a in every if version is None or version in a.versions()]
        return sorted(kept, key=lambda alias: alias.name)
