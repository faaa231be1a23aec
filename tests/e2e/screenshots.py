"""Take the README's pictures anew: ``python -m tests.e2e.screenshots``."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import CHROMIUM_FLAGS, Running, log_in, sah

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CHECKOUT = "shop-prod-checkout"


def take(page: Page, name: str) -> None:
    """Save what the window shows."""
    page.screenshot(path=IMAGES / f"{name}.png")


def walk(page: Page, demo: Running) -> None:
    """Go through the product as the README tells it."""
    log_in(page, demo)
    take(page, "projects")
    page.get_by_role("link", name="shop-prod").click()
    take(page, "project")
    project = page.url
    page.get_by_role("link", name=CHECKOUT).click()
    take(page, "function")
    show_switch(page, project)
    page.goto(f"{project}/deployments/5")
    take(page, "deployment")
    page.goto(f"{project}/deployments/3/compare?with=2")
    take(page, "compare")
    roll_back(page, project)
    page.goto(f"{project}/deployments")
    take(page, "history")


def show_switch(page: Page, project: str) -> None:
    """Show the plan of a switch, which is not carried out."""
    page.goto(f"{project}/switch?v.shop-prod-checkout=2&v.shop-prod-payments=1")
    page.get_by_label("Reason").fill("Every order fails since release 6")
    take(page, "plan")


def roll_back(page: Page, project: str) -> None:
    """Go back to what was live before: two clicks and a reason."""
    page.goto(project)
    page.get_by_role("link", name="Roll back to #5").first.click()
    page.get_by_label("Reason").fill("Every order fails since release 6")
    take(page, "rollback")
    page.get_by_role("button", name="Roll back to #5 now").click()
    page.get_by_text("Succeeded").first.wait_for()
    take(page, "operation")


def main() -> None:
    """Start a demo and take every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp()
    with (
        sah("demo", "--port", "0", "--aws-port", "0", "--instance", folder) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        window = browser.new_context(
            base_url=demo.said["url"], viewport={"width": 1280, "height": 800}
        )
        walk(window.new_page(), demo)
        browser.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
