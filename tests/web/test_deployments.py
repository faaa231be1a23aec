"""The history of deployments, one deployment, and comparing two."""

import re

import pytest
from flask import Flask

from sah.domain.errors import AwsUnreachableError
from sah.services.capture import capture_project
from sah.services.sync import sync_project
from tests.factories import make_account, make_project
from tests.fakes import Call, FakeAws
from tests.queries import counted_queries
from tests.web.client import Page, StrictClient
from tests.web.pipeline import Pipeline, minutes_from_now

ALL = ("shop-cart", "shop-checkout", "shop-search")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def history(client: StrictClient, pipeline: Pipeline, query: str = "", status: int = 200) -> Page:
    return client.get(f"/projects/{pipeline.project_id}/deployments{query}", status)


def show(client: StrictClient, pipeline: Pipeline, number: int) -> Page:
    return client.get(f"/projects/{pipeline.project_id}/deployments/{number}")


def compare(
    client: StrictClient, pipeline: Pipeline, number: int, query: str = "", status: int = 200
) -> Page:
    base = f"/projects/{pipeline.project_id}/deployments/{number}/compare"
    return client.get(base + query, status)


def row(page: Page, start: str) -> str:
    """The rest of the row whose first cell begins like this."""
    return next(rest for first, rest in page.rows().items() if first.startswith(start))


def numbers(page: Page) -> list[int]:
    """The deployments that a page lists, in its order."""
    return [int(found) for first in page.rows() for found in re.findall(r"^#(\d+)", first)]


def _polls(page: Page) -> list[str]:
    """The addresses that a page asks again and again."""
    return [node.get("data-poll-url") for node in page.root.walk() if node.has("data-poll-url")]


class TestHistory:
    def test_it_says_who_deployed_what_and_what_is_live(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.deploy(
            "shop-cart", message="Wish lists\n\nMore", commit=COMMIT, author="Ada", branch="main"
        )
        page = history(viewer, pipeline)
        assert "#2 Wish lists 01234567 main" in page.rows()
        cells = row(page, "#2").split(" | ")
        assert cells[:4] == ["Live", "Ready, 3 of 3", "1 changed", "Ada"]
        cells = row(page, "#1").split(" | ")
        assert cells[:3] == ["Not live live before", "Ready, 3 of 3", "3 seen first"]
        assert cells[3] == "noticed by the sync"

    def test_only_who_may_operate_is_offered_a_rollback(
        self, pipeline: Pipeline, viewer: StrictClient, operator: StrictClient
    ) -> None:
        pipeline.deploy("shop-cart")
        assert not history(viewer, pipeline).has_link("Roll back")
        to = history(operator, pipeline).link("Roll back")
        assert to == f"/projects/{pipeline.project_id}/deployments/1/rollback"

    def test_a_mixed_stack_is_partly_live_in_words(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.deploy(*ALL)
        pipeline.aws.set_alias("shop-cart", "ACTIVE", "3")
        pipeline.sync()
        assert row(history(viewer, pipeline), "#2").startswith("Partly live 2 of 3 functions")
        assert "Mixed" in viewer.get(f"/projects/{pipeline.project_id}").text

    def test_of_a_mixed_stack_only_those_are_partly_live_that_it_is_made_of(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.deploy("shop-cart")
        pipeline.deploy("shop-search")
        pipeline.deploy("shop-cart", "shop-checkout")
        pipeline.switch(cart="4")
        page = history(viewer, pipeline, "?kind=deployments")
        assert [row(page, f"#{n}").split(" | ")[0] for n in (4, 3, 2, 1)] == [
            "Partly live 2 of 3 functions",
            "Partly live live before 2 of 3 functions",
            "Not live",
            "Not live",
        ]

    def test_what_changed_nothing_is_one_line(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        for _ in range(3):
            pipeline.deploy(commit=COMMIT)
        page = history(viewer, pipeline)
        (folded,) = [first for first in page.rows() if "changed nothing" in first]
        assert folded.startswith("3 deployments changed nothing (#2 to #4)")
        assert page.link("#3") == f"/projects/{pipeline.project_id}/deployments/3"
        assert row(page, "#1").startswith("Live")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?q=wish", [2]),
            ("?q=0123", [2]),
            ("?q=%233", [3]),
            ("?q=1", [1]),
            ("?q=mira", [3]),
            ("?q=fix/", [3]),
            ("?q=100%25", []),
            ("?kind=deployments", [3, 2, 1]),
            ("?kind=operations", []),
            ("?kind=nonsense", [3, 2, 1]),
        ],
    )
    def test_it_is_searched(
        self, pipeline: Pipeline, viewer: StrictClient, query: str, found: list[int]
    ) -> None:
        pipeline.deploy("shop-cart", message="Wish lists", commit="0" + "a" * 39)
        pipeline.deploy("shop-search", author="Mira", branch="fix/search")
        query = query.replace("0123", "0aaa")
        page = history(viewer, pipeline, query)
        assert numbers(page) == found
        assert ("Nothing like that" in page.text) == (not found)

    def test_older_entries_are_on_further_pages(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        for _ in range(60):
            pipeline.report()
        page, seen = history(viewer, pipeline), []
        while True:
            seen += numbers(page)
            if not page.has_link("Older"):
                break
            page = viewer.get(page.link("Older"))
        assert seen == list(range(61, 0, -1))

    def test_a_cursor_that_is_none_is_refused(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        for cursor in ("nonsense", "W10", "é"):
            assert "leads nowhere" in history(viewer, pipeline, f"?cursor={cursor}", 422).text

    def test_an_empty_one_says_how_to_report(self, app: Flask, viewer: StrictClient) -> None:
        with app.app_context():
            project = make_project(make_account(), "blog", synced=False).id
        page = viewer.get(f"/projects/{project}/deployments")
        assert "Nothing was deployed yet" in page.text
        assert f"curl -X POST http://localhost/api/projects/{project}/deployments" in page.text
        assert page.link("token") == "/tokens/new"

    def test_it_follows_by_itself_until_what_waits_was_read(
        self, app: Flask, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        history_page = f"/projects/{pipeline.project_id}/deployments"
        assert not _polls(viewer.get(history_page))
        pipeline.change(["shop-cart"])
        pipeline.report()
        (of_history,) = _polls(viewer.get(history_page))
        (of_project,) = _polls(viewer.get(f"/projects/{pipeline.project_id}"))
        assert of_history == of_project
        assert _polls(viewer.get(of_history)) == [of_history]
        assert "1 deployment is being read from AWS." in viewer.get(of_history).text
        with app.app_context():
            capture_project(pipeline.project_id)
        assert viewer.get(of_history).root.find_all("p", data_poll_done="reload")
        assert not _polls(viewer.get(history_page))

    def test_it_follows_an_operation_too(self, pipeline: Pipeline, viewer: StrictClient) -> None:
        pages: list[Page] = []

        def look(call: Call) -> None:
            if call.name == "UpdateAlias" and not pages:
                pages.append(history(viewer, pipeline))
                pages.extend(viewer.get(address) for address in _polls(pages[0]))

        pipeline.aws.hook = look
        pipeline.switch(cart="1")
        page, follows = pages
        assert "Aliases are being moved." in page.text
        assert _polls(follows) == _polls(page)
        (address,) = _polls(page)
        assert viewer.get(address).root.find_all("p", data_poll_done="reload")

    def test_pages_need_few_queries_however_long_the_history(
        self, app: Flask, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        for name in ALL * 3:
            pipeline.deploy(name)
        pipeline.switch(cart="1")  # a mixed stack needs most
        for path in ("", "/deployments", "/deployments/5"):
            with app.app_context(), counted_queries() as statements:
                viewer.get(f"/projects/{pipeline.project_id}{path}")
            assert len(statements) <= 15, path


class TestOneDeployment:
    def test_one_that_waits_follows_by_itself(
        self, app: Flask, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.change(["shop-cart"])
        number = pipeline.report()
        page = show(viewer, pipeline, number)
        assert "Being read" in page.text
        state = f"/projects/{pipeline.project_id}/deployments/{number}/state"
        assert page.root.find_all("section", data_poll_url=state)
        pipeline.aws.fail("DescribeStacks", AwsUnreachableError("AWS does not answer."), times=9)
        with app.app_context():
            capture_project(pipeline.project_id)
        waiting = viewer.get(state)
        assert "Tried 1 time; the last time: AWS does not answer." in waiting.text
        assert waiting.root.find_all("section", data_poll_url=state)

    def test_the_page_is_loaded_anew_once_it_was_read(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        number = pipeline.deploy("shop-cart")
        state = viewer.get(f"/projects/{pipeline.project_id}/deployments/{number}/state")
        assert state.root.find_all("section", data_poll_done="reload")
        assert [n for n in state.root.walk() if n.has("data-poll-url")] == []

    def test_it_says_what_it_put_live(self, pipeline: Pipeline, viewer: StrictClient) -> None:
        number = pipeline.deploy(
            "shop-cart",
            message="Wish lists",
            commit=COMMIT,
            service="shop",
            ci_url="https://ci.example.com/runs/7",
            repository="git@example.com:shop.git",
        )
        page = show(viewer, pipeline, number)
        assert page.heading == "Deployment #2 of shop"
        assert page.rows()["shop-cart"].startswith("4 changed | 4 100 % | Ready | ")
        assert page.rows()["shop-search"].startswith("3 | 3 100 % | Ready | ")
        assert page.link("https://ci.example.com/runs/7") == "https://ci.example.com/runs/7"
        assert "git@example.com:shop.git" in page.text
        assert COMMIT in page.text
        assert page.link("What it changed").endswith("/deployments/2/compare?with=1")

    def test_what_is_live_is_not_called_never_live(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.deploy("shop-cart")
        page = show(viewer, pipeline, pipeline.deploy())
        assert "State Live" in page.text
        assert "Active for counted for the last that changed something" in page.text
        assert "Active for not known" in show(viewer, pipeline, pipeline.report()).text

    def test_the_live_one_leads_to_what_was_live_before(
        self, pipeline: Pipeline, viewer: StrictClient, operator: StrictClient
    ) -> None:
        number = pipeline.deploy("shop-cart")
        page = show(operator, pipeline, number)
        assert page.link("Roll back to #1").endswith("/deployments/1/rollback")
        assert not page.has_link("Roll back to #2")
        assert not show(viewer, pipeline, number).has_link("Roll back to #1")
        assert show(operator, pipeline, 1).link("Roll back to #1")

    def test_an_address_that_would_run_is_no_link(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        number = pipeline.deploy("shop-cart", ci_url="javascript:alert(1)", message="<b>x</b>")
        page = show(viewer, pipeline, number)
        assert not page.has_link("javascript:alert(1)")
        assert "<b>x</b>" in page.text

    def test_one_that_could_not_be_read_says_why(
        self, app: Flask, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        number = pipeline.report()
        pipeline.aws.delete_stack("shop")
        with app.app_context():
            sync_project(pipeline.project_id)
        page = show(viewer, pipeline, number)
        assert "could not be read" in page.notes[0]
        assert "Not readable" in page.text
        assert not page.has_link("Compare with live")

    def test_one_that_was_worked_out_says_so(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.change(["shop-cart"])
        number = pipeline.report()
        pipeline.aws.now = minutes_from_now(10)
        pipeline.change(["shop-search"])
        pipeline.sync()
        page = show(viewer, pipeline, number)
        assert "this was worked out from the times" in page.notes[0]
        assert page.rows()["shop-cart"].startswith("4 changed")
        assert page.rows()["shop-search"].startswith("3 |")

    def test_what_did_not_serve_what_was_deployed_is_said(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.change(ALL)
        pipeline.aws.set_alias("shop-cart", "ACTIVE", "1")
        pipeline.aws.delete_alias("shop-search", "ACTIVE")
        number = pipeline.report()
        pipeline.sync()
        page = show(viewer, pipeline, number)
        assert page.notes[0].startswith("2 functions did not serve what this deployed")
        assert "shop-cart: served 1" in page.notes[0]
        assert "shop-search: had no ACTIVE" in page.notes[0]
        assert "It has no alias ACTIVE." in page.rows()["shop-search"]

    def test_a_late_report_takes_over_what_was_noticed(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.aws.now = minutes_from_now(-5)
        pipeline.change(["shop-cart"])
        pipeline.sync()
        assert numbers(history(viewer, pipeline)) == [2, 1]
        assert pipeline.report(message="Wish lists") == 3
        pipeline.sync()
        page = history(viewer, pipeline)
        assert numbers(page) == [3, 1]
        assert row(page, "#3").startswith("Live")
        old = f"/projects/{pipeline.project_id}/deployments/2"
        assert viewer.get(old, 302).location.endswith("/deployments/3")

    def test_a_version_that_is_gone_is_noticed_when_somebody_looks(
        self, pipeline: Pipeline, operator: StrictClient
    ) -> None:
        pipeline.deploy("shop-cart", "shop-search")
        pipeline.aws.delete_version("shop-cart", "3")
        page = show(operator, pipeline, 1)
        assert "Not possible Version 3 was deleted." in page.rows()["shop-cart"]
        assert "Ready, 2 of 3" in page.text
        assert row(history(operator, pipeline), "#1").split(" | ")[1] == "Ready, 2 of 3"

        assert "1 function of 3 cannot be moved to #1" in page.text
        assert "shop-cart: Version 3 was deleted." in page.text
        assert page.has_link("Roll back to #1")

    def test_one_that_nothing_can_go_back_to_says_why_and_has_no_button(
        self, pipeline: Pipeline, operator: StrictClient
    ) -> None:
        pipeline.deploy("shop-cart", "shop-search")
        for name, version in (("shop-cart", "3"), ("shop-search", "3")):
            pipeline.aws.delete_version(name, version)
        page = show(operator, pipeline, 1)
        assert "One cannot go to #1 any more: nothing that would have to move can" in page.text
        assert "Not possible Version 3 was deleted." in page.rows()["shop-cart"]
        line = row(history(operator, pipeline), "#1")
        why = "None of 2 functions can be moved to it, such as shop-cart: Version 3 was deleted."
        assert f"Not possible {why}" in line
        project = operator.get(f"/projects/{pipeline.project_id}")
        assert why in project.text
        compared = compare(operator, pipeline, 1, "?with=live")
        for one in (page, project, compared, history(operator, pipeline)):
            assert not any("/1/rollback" in link.get("href") for link in one.root.find_all("a"))

    def test_without_an_answer_from_aws_it_shows_what_is_known(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        pipeline.deploy("shop-cart")
        pipeline.aws.fail("GetFunction", AwsUnreachableError("AWS does not answer."), times=99)
        assert "Ready, 3 of 3" in show(viewer, pipeline, 1).text

    def test_one_that_there_is_not(self, pipeline: Pipeline, viewer: StrictClient) -> None:
        base = f"/projects/{pipeline.project_id}/deployments"
        assert "There is no deployment #9" in viewer.get(f"{base}/9", 404).text
        viewer.get(f"{base}/{2**70}", 404)


class TestComparing:
    def test_only_what_differs_is_shown(
        self, pipeline: Pipeline, aws: FakeAws, viewer: StrictClient
    ) -> None:
        aws.deploy("shop", ["shop-cart"])
        aws.change_version("shop-cart", "4", runtime="nodejs24.x")
        pipeline.report()
        pipeline.sync()
        page = compare(viewer, pipeline, 2, "?with=%231")
        assert page.heading == "From #1 to #2"
        assert list(page.rows()) == ["shop-cart"]
        assert "runtime nodejs22.x nodejs24.x" in page.rows()["shop-cart"]
        assert "1 function of shop differs; 2 are the same." in page.text
        assert "tables, queues, buckets" in page.text

    def test_what_a_rollback_would_change_leads_to_it(
        self, pipeline: Pipeline, viewer: StrictClient, operator: StrictClient
    ) -> None:
        pipeline.deploy("shop-cart")
        page = compare(operator, pipeline, 1)
        assert page.heading == "From what is live to #1"
        assert page.rows()["shop-cart"].startswith("4 | 3 | code")
        assert page.link("Roll back to #1").endswith("/deployments/1/rollback")
        assert not compare(viewer, pipeline, 1).has_link("Roll back to #1")
        assert not compare(operator, pipeline, 1, "?with=2").has_link("Roll back to #1")

    def test_functions_that_one_side_does_not_have(
        self, pipeline: Pipeline, aws: FakeAws, viewer: StrictClient
    ) -> None:
        aws.remove_function("shop", "shop-search")
        pipeline.report()
        pipeline.sync()
        assert compare(viewer, pipeline, 2, "?with=1").rows() == {
            "shop-search": "3 | not there | removed"
        }

    def test_the_same_is_said_to_be_the_same(
        self, pipeline: Pipeline, viewer: StrictClient
    ) -> None:
        assert "They are the same" in compare(viewer, pipeline, 1).text

    @pytest.mark.parametrize(
        ("query", "status", "said"),
        [
            ("?with=nonsense", 422, "“nonsense” is not the number of a deployment."),
            ("?with=", 422, "is not the number"),
            ("?with=9", 404, "There is no deployment #9"),
            ("?with=2", 409, "What #2 put live is not known."),
        ],
    )
    def test_what_cannot_be_compared_is_said(
        self, pipeline: Pipeline, viewer: StrictClient, query: str, status: int, said: str
    ) -> None:
        pipeline.report()
        assert said in compare(viewer, pipeline, 1, query, status).text
