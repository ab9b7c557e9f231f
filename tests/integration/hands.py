"""How a person uses a page: by finger, or by keyboard alone."""

from pathlib import Path
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

_MOST_TABS = 400


class Hand(Protocol):
    """How a person uses a page."""

    page: Page

    def press(self, what: Locator) -> None:
        """Follow a link, press a button, open what is closed."""

    def write(self, field: Locator, text: str) -> None:
        """Write into a field, in place of what is there."""

    def select(self, field: Locator, text: str) -> None:
        """Choose the option with this text."""

    def project(self, name: str) -> None:
        """On the page Train, choose this project."""

    def give(self, field: Locator, path: Path) -> None:
        """A file or a folder, as this hand gives it."""

    def choose_all(self) -> None:
        """Choose a picture of the gallery, and so open the bar for what is chosen."""

    def slide(self, slider: Locator) -> None:
        """Move a slider up by much."""

    def label_group(self, text: str) -> None:
        """Give the group whose turn it is this label."""

    def confirm_group(self) -> None:
        """Say that the group whose turn it is shows what is suggested."""

    def say_yes(self) -> None:
        """Accept what Review asks."""


class Finger:
    """Taps, and drops files as a browser does that was handed them from outside."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, what: Locator) -> None:
        what.tap()

    def write(self, field: Locator, text: str) -> None:
        field.tap()
        field.fill(text)

    def select(self, field: Locator, text: str) -> None:
        field.select_option(text)

    def project(self, name: str) -> None:
        self.page.locator("#project").select_option(name)

    def give(self, field: Locator, path: Path) -> None:
        self.page.wait_for_load_state()  # by then the scripts listen
        devtools = self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 400, "data": data})
        devtools.detach()

    def choose_all(self) -> None:
        self.page.locator(".pick").first.tap()
        self.page.get_by_role("button", name="that match").tap()

    def slide(self, slider: Locator) -> None:
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        slider.tap(position={"x": box["width"] * 0.97, "y": box["height"] / 2})

    def label_group(self, text: str) -> None:
        digit = self.page.locator(f'#digits [data-label="{text}"]')
        if digit.count():
            digit.tap()
            return
        self.write(self.page.locator("#typed"), text)
        self.page.get_by_role("button", name="Label", exact=True).tap()

    def confirm_group(self) -> None:
        self.page.get_by_role("button", name="Confirm", exact=True).tap()

    def say_yes(self) -> None:
        self.page.get_by_role("button", name="Yes").tap()


class Keys:
    """Presses keys alone, from wherever the focus is."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, what: Locator) -> None:
        expect(what).to_be_visible()
        for _ in range(_MOST_TABS):
            if what.evaluate("(one) => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{what} cannot be reached by keyboard")

    def press(self, what: Locator) -> None:
        self.reach(what)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def select(self, field: Locator, text: str) -> None:
        self.reach(field)
        options = field.evaluate("(one) => [...one.options].map((option) => option.text)")
        for _ in range(options.index(text) - field.evaluate("(one) => one.selectedIndex")):
            self.page.keyboard.press("ArrowDown")
        expect(field.locator("option:checked")).to_have_text(text)

    def project(self, name: str) -> None:
        self.select(self.page.locator("#project"), name)
        self.press(self.page.locator("#choose button"))

    def give(self, field: Locator, path: Path) -> None:
        self.page.wait_for_load_state()
        self.reach(field)
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Space")
        chooser.value.set_files(path)

    def choose_all(self) -> None:
        self.reach(self.page.locator(".card a").first)
        self.page.keyboard.press("x")
        self.press(self.page.get_by_role("button", name="that match"))

    def slide(self, slider: Locator) -> None:
        self.reach(slider)
        self.page.keyboard.press("End")
        self.page.keyboard.press("ArrowLeft")

    def label_group(self, text: str) -> None:
        digit = self.page.locator(f'#digits [data-label="{text}"]')
        self.page.keyboard.press(digit.get_attribute("data-digit") or "" if digit.count() else text[0])
        if not digit.count():
            self.page.keyboard.type(text[1:])
            self.page.keyboard.press("Enter")

    def confirm_group(self) -> None:
        self.page.keyboard.press("Enter")

    def say_yes(self) -> None:
        self.page.keyboard.press("Enter")
