"""What a newcomer does first: start the demo, look around, move a function back."""

import http.cookiejar
import re
import urllib.parse
import urllib.request

import pytest
from playwright.sync_api import Page, Route, expect

from tests.boto import client
from tests.e2e.conftest import Running, run_sah
from tests.e2e.processes import wait_until


def live_version(demo: Running, function: str) -> str:
    """Ask the demo's AWS, with plain boto3, where ACTIVE points."""
    alias = client("lambda", demo.said["aws"]).get_alias(FunctionName=function, Name="ACTIVE")
    return str(alias["FunctionVersion"])


def test_one_function_is_moved_back_in_the_browser(demo: Running, page: Page) -> None:
    function = "shop-prod-checkout"
    before = live_version(demo, function)
    page.get_by_role("link", name="shop-prod").click()
    page.get_by_role("link", name="Switch versions").click()
    page.get_by_label(f"Version of {function}", exact=True).select_option("1")
    page.get_by_label("Reason").fill("The newest checkout fails")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Plan")
    page.get_by_role("button", name=re.compile("^Move")).click()
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    assert before != "1"
    assert live_version(demo, function) == "1"


FUNCTION = "/projects/1/functions/shop-prod-checkout"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LENGTHEN = """
for (const text of document.querySelectorAll("h1, .lead, .crumbs a, .free, .facts dd, .note p"))
  text.textContent = "W".repeat(80);
"""


def test_every_page_of_the_shop_opens_and_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    lists = ("/projects", "/operations", "/accounts", "/people")
    for address in (*lists, "/projects/1", "/projects/1/switch", FUNCTION, "/help"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200
        assert page.evaluate(OVERFLOW) <= 0, f"{address} scrolls sideways"
        page.evaluate(LENGTHEN)
        assert page.evaluate(OVERFLOW) <= 0, f"{address} scrolls sideways with long names"


def test_a_table_too_wide_for_a_tablet_scrolls_by_itself(page: Page) -> None:
    page.set_viewport_size({"width": 768, "height": 844})
    page.goto(FUNCTION)
    assert page.evaluate(OVERFLOW) <= 0


def test_a_plan_is_shown_and_changed_before_there_is_a_reason(page: Page) -> None:
    page.get_by_role("link", name="shop-prod").click()
    page.get_by_role("link", name="Switch versions").click()
    page.get_by_label("Version of shop-prod-cart", exact=True).select_option("1")
    page.get_by_role("button", name="Show the plan").click()
    page.get_by_role("heading", name="Plan for shop-prod").wait_for()
    page.get_by_role("button", name="Change the choice").click()
    page.get_by_role("heading", name="Switch versions").wait_for()
    assert page.get_by_label("Version of shop-prod-cart", exact=True).input_value() == "1"


def test_the_filter_leaves_only_what_was_typed(page: Page) -> None:
    page.get_by_role("link", name="shop-prod").click()
    page.get_by_label("Filter functions").fill("mail")
    expect(page.get_by_role("link", name="shop-prod-mailer")).to_be_visible()
    expect(page.get_by_role("link", name="shop-prod-cart")).to_be_hidden()
    page.get_by_role("link", name="shop-prod-mailer").click()
    page.go_back()
    expect(page.get_by_label("Filter functions")).to_have_value("mail")
    expect(page.get_by_role("link", name="shop-prod-cart")).to_be_hidden()


POLLED = """async () => {
  const { startPolling } = await import("/static/js/poll.js");
  const box = document.createElement("p");
  box.dataset.pollUrl = "/polled";
  box.dataset.pollInterval = "1";
  document.querySelector("main").append(box);
  startPolling(box.parentElement);
}"""


def test_a_part_that_has_ended_takes_no_click_back(page: Page) -> None:
    held: dict[str, Route] = {}

    def hold(route: Route) -> None:
        held[route.request.url.rpartition("/")[2]] = route

    page.route("**/polled", hold)
    page.route("**/switch", hold)
    page.get_by_role("link", name="shop-prod").click()
    with page.expect_request("**/polled"):
        page.evaluate(POLLED)
    with page.expect_request("**/switch"):
        page.evaluate("document.querySelector('a[href$=\"/switch\"]').click()")
    while len(held) < 2:  # a request is told of before it is held
        page.wait_for_timeout(10)
    with page.expect_request("**/polled"):  # again, as nothing was loaded anew
        held["polled"].fulfill(content_type="text/html", body="<p data-poll-done='reload'></p>")
    held["switch"].continue_()
    page.get_by_role("heading", name="Switch versions").wait_for()


class Curl:
    """What curl with a cookie jar does."""

    def __init__(self, base: str) -> None:
        self._base = base
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)
        self.page = ""
        self.address = ""

    def get(self, path: str) -> str:
        return self._send(path, None)

    def post(self, path: str, **fields: str) -> str:
        return self._send(path, urllib.parse.urlencode(fields).encode())

    def hidden(self, name: str) -> str:
        """Read a hidden field of the last page."""
        match = re.search(rf'name="{name}"[^>]*?value="([^"]*)"', self.page)
        assert match is not None, f"no field {name} on the page"
        return match[1]

    def _send(self, path: str, body: bytes | None) -> str:
        with self._opener.open(urllib.parse.urljoin(self._base, path), body) as answer:
            self.page, self.address = answer.read().decode(), answer.geturl()
        return self.page


@pytest.fixture
def curl(demo: Running) -> Curl:
    curl = Curl(demo.said["url"])
    curl.get("/login")
    curl.post(
        "/login",
        csrf_token=curl.hidden("csrf_token"),
        email=demo.said["email"],
        password=demo.said["password"],
    )
    return curl


def test_one_function_is_moved_back_without_script(demo: Running, curl: Curl) -> None:
    function = "shop-prod-cart"
    before = live_version(demo, function)
    project = re.search(r'href="(/projects/\d+)"[^>]*>shop-prod<', curl.get("/projects"))
    assert project is not None
    switch = f"{project[1]}/switch"
    curl.get(f"{switch}?v.{function}=1")
    fields = {name: curl.hidden(name) for name in ("csrf_token", "fingerprint", f"v.{function}")}
    outcome = curl.post(switch, **fields, reason="Cart is slow", on_failure="put_back")
    assert "Cart is slow" in outcome
    operation = curl.address
    wait_until(lambda: "Succeeded" in curl.get(operation), "the operation has ended")
    assert before != "1"
    assert live_version(demo, function) == "1"


def test_a_deployment_from_a_second_terminal_is_live(demo: Running) -> None:
    before = live_version(demo, "shop-prod-checkout")
    said = run_sah("demo-deploy", "--bad", "--instance", demo.said["instance"])
    assert "Deployed release 7 to shop-prod" in said
    assert int(live_version(demo, "shop-prod-checkout")) == 4
    assert before != "4"


def test_the_way_back_is_in_sight_at_every_width(page: Page) -> None:
    page.goto("/projects/1/deployments")
    buttons = page.get_by_role("link", name=re.compile("Roll (back|forward) to #"))
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (390, 768, 1024, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        boxes = [box for button in buttons.all() if (box := button.bounding_box())]
        assert len(boxes) >= 5
        assert max(box["x"] + box["width"] for box in boxes) <= width
        assert page.evaluate(overflow) == 0
    page.get_by_label("What to list").select_option("operations")
    page.wait_for_url("**/deployments?*kind=operations*")
    expect(buttons).to_have_count(0)
