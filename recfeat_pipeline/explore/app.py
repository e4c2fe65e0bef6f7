"""The page: NiceGUI widgets over the pure functions of this package, and nothing else.

Catalogue text only ever reaches ``ui.label`` and plain elements' text, which escape it.
"""

from collections.abc import Callable
from importlib.resources import files
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from recfeat_pipeline.explore.explorer import Explorer
from recfeat_pipeline.explore.queries import (
    Neighbour,
    content_neighbours,
    doubtful_pages,
    fingerprint,
    pages_of,
    search_items,
    trained_neighbours,
    why_bare,
)
from recfeat_pipeline.explore.recommend import recommend

MOST_CHARACTERS = 2000  # of what is said at once


def serve(explorer: Explorer, host: str, port: int) -> None:
    """Serve the page until interrupted; assets are local, nothing is loaded from elsewhere."""

    @ui.page("/", title=f"{explorer.name} · explore")
    def page(
        item: str = "", liked: str = "", arm: str = "", view: str = "item", said: str = ""
    ) -> None:
        """``/?item=1&liked=2,3``: the address says what is shown, so that it can be shared."""
        ui.add_css(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))
        Page(explorer, item, liked, arm, view, said).build()

    ui.run(
        host=host,
        port=port,
        reload=False,
        show=False,
        dark=None,  # as the system has it
        show_welcome_message=False,
        uvicorn_logging_level="warning",
    )


class Page:
    """One visitor's page: what they look at, what they like, and what they said."""

    def __init__(
        self, explorer: Explorer, item: str, liked: str, arm: str, view: str, said: str = ""
    ):
        self.explorer = explorer
        self.library = explorer.library
        self.version = explorer.versions[0]
        self.query = ""
        self.row = self.library.row_of(item) or 0
        named = (self.library.row_of(item_id) for item_id in liked.split(","))
        self.liked = [row for row in named if row is not None]
        self.view = view
        self.said = [turn[:MOST_CHARACTERS] for turn in said.split("\n") if turn.strip()]
        arms = list(explorer.recommenders)
        self.arm = arm if arm in arms else (arms[0] if arms else None)
        spaces = list(explorer.vectors)
        self.space = spaces[0] if spaces else None

    def build(self) -> None:
        """Lay the page out."""
        with ui.row().classes("w-full items-baseline justify-between"):
            _heading("h1", f"Explore · {self.explorer.name}")
            if len(self.explorer.versions) > 1:
                self._choice("version", self.explorer.versions, "Prompt version")
        with ui.element("div").classes("columns"):
            with ui.column().classes("gap-2"):
                ui.input("Search titles", on_change=self.search).props(
                    "clearable outlined dense autofocus debounce=150"
                ).classes("w-full")
                with ui.column().classes("results gap-0 w-full"):
                    self.results()
            with ui.column().classes("gap-0 min-w-0"):
                with ui.tabs().props("no-caps align=left dense") as self.tabs:
                    ui.tab("item", "Item")
                    ui.tab("recommend", "Recommend from liked items")
                    ui.tab("ask", "Ask")
                    if self.library.pages.height:
                        ui.tab("pages", "Pages in doubt")
                panels = ui.tab_panels(self.tabs, value=self.view, animated=False)
                with panels.classes("w-full bg-transparent"):
                    with ui.tab_panel("item").classes("px-0"):
                        self.item()
                    with ui.tab_panel("recommend").classes("px-0"):
                        self.recommendations()
                    with ui.tab_panel("ask").classes("px-0"):
                        ask = ui.input("What would you like?").props(
                            f"outlined dense maxlength={MOST_CHARACTERS}"
                        )
                        ask.classes("w-full").on("keydown.enter", lambda: self.say(ask))
                        self.answers()
                    with ui.tab_panel("pages").classes("px-0"):
                        self._doubtful()

    def refresh(self) -> None:
        """Show the present state, and say it in the address."""
        self.results.refresh()
        self.item.refresh()
        self.recommendations.refresh()
        self.answers.refresh()
        shown = {
            "item": self._id(self.row),
            "liked": ",".join(map(self._id, self.liked)),
            "said": "\n".join(self.said),
            "view": "" if self.tabs.value == "item" else self.tabs.value,
        }
        ui.navigate.history.replace("/?" + urlencode({k: v for k, v in shown.items() if v}))

    def search(self, event: ValueChangeEventArguments) -> None:
        """Show what the words find."""
        self.query = event.value or ""
        self.results.refresh()

    def look_at(self, row: int) -> None:
        """Show an item."""
        self.row = row
        self.tabs.set_value("item")
        self.refresh()

    def toggle(self, row: int) -> None:
        """Like an item, or no longer."""
        if row in self.liked:
            self.liked.remove(row)
        else:
            self.liked.append(row)
        self.refresh()

    @ui.refreshable_method
    def results(self) -> None:
        """What the search found."""
        found = search_items(self.library, self.query)
        if not found:
            ui.label("No title holds these words.").classes("muted")
        for row in found:
            button = self._link(row)
            if row == self.row:
                button.classes("chosen")

    @ui.refreshable_method
    def item(self) -> None:
        """The item: its fingerprint, neighbours and document."""
        about = self.library.items.row(self.row, named=True)
        with ui.row().classes("w-full items-start justify-between no-wrap mt-2"):
            _heading("h2", about["title"])
            is_liked = self.row in self.liked
            ui.button(
                "Liked" if is_liked else "Like",
                icon="favorite" if is_liked else "favorite_border",
                on_click=lambda: self.toggle(self.row),
            ).props("flat no-caps")
        parts = [", ".join(about["genres"] or []), f"{about['n_ratings']:,} interactions"]
        parts += [] if about["item_index"] is not None else ["outside the corpus"]
        ui.label(" · ".join(part for part in parts if part)).classes("muted")
        self._fingerprint()
        self._neighbours()
        self._document()

    @ui.refreshable_method
    def recommendations(self) -> None:
        """The liked items, and what an arm makes of them."""
        if not self.liked:
            ui.label("Like an item or two to see what an arm makes of them.").classes("muted")
            return
        with ui.row().classes("items-center gap-2"):
            ui.label("For someone who likes").classes("muted")
            for row in self.liked:
                ui.chip(
                    self._title(row),
                    removable=True,
                    on_value_change=lambda _, r=row: self.toggle(r),
                ).props("outline dense")
        if self.arm is None:
            ui.label("No arm has been trained yet: `recfeat run` trains them.").classes("muted")
            return
        self._choice("arm", list(self.explorer.recommenders), "Arm").classes("w-80")
        lines = recommend(self.library, self.explorer.recommenders[self.arm](), self.liked)
        if not lines:
            ui.label("None of them is in the corpus, so no arm knows them.").classes("muted")
        with ui.element("div").classes("w-full"):
            for place, line in enumerate(lines, 1):
                reasons = ", ".join(
                    f"{_words(name)} {effect:+.3f}".replace("-", "−")
                    for name, effect in line.drivers
                )
                self._line(place, line.row, reasons, f"{line.score:.3f}")
        driven = any(line.drivers for line in lines)
        ui.label(
            "Beside a dimension stands how much of the score would be gone without it."
            if driven
            else "This arm does not say which features moved its scores."
        ).classes("muted mt-2")

    def say(self, field: ui.input) -> None:
        """One more turn."""
        if text := " ".join(field.value.split()):
            self.said.append(text)
            field.set_value("")
            self.refresh()

    def unsay(self, turn: int) -> None:
        """Take a turn back."""
        del self.said[turn]
        self.refresh()

    @ui.refreshable_method
    def answers(self) -> None:
        """What was said, and the items that answer it."""
        answered = self.explorer.ask(self.said)
        with ui.row().classes("items-center gap-2"):
            for turn, text in enumerate(self.said):
                ui.chip(
                    text, removable=True, on_value_change=lambda _, turn=turn: self.unsay(turn)
                ).props("outline dense")
        if answered.question:
            ui.label(answered.question).classes("muted")
            return
        with ui.element("div").classes("w-full"):
            for place, (row, score, reasons) in enumerate(answered.items, 1):
                self._line(place, row, ", ".join(reasons), f"{score:.2f}")
        ui.label(
            "Words are matched by name, without an LLM. A later turn refines those before it; "
            "reasons are stored features and words of the stored text."
        ).classes("muted mt-2")

    def _fingerprint(self) -> None:
        _heading("h3", "Fingerprint")
        groups = fingerprint(self.library, self.version, self.row)
        model = self.library.models.get(self.version, "")
        ui.label(f"{self.version}, answered by {model}").classes("muted mb-2")
        if not groups:
            ui.label(why_bare(self.library, self.version, self.row)).classes("muted")
        with ui.element("div").classes("groups"):
            for group, scores in groups:
                with ui.element("div"):
                    ui.label(_words(group)).classes("muted")
                    for score in scores:
                        with ui.element("div").classes("score"):
                            ui.label(_words(score.dimension)).tooltip(score.gloss)
                            with ui.element("div").classes("track"):
                                ui.element("div").classes("fill").style(
                                    f"width: {100 * score.score:.0f}%"
                                )
                            ui.label(f"{score.score:.1f}").classes("number")

    def _neighbours(self) -> None:
        _heading("h3", "Neighbours")
        with ui.element("div").classes("pair"):
            with ui.element("div"):
                ui.label("by what they are about").classes("muted")
                self._list(content_neighbours(self.library, self.version, self.row))
            with ui.element("div"):
                if self.space is None:
                    ui.label("No arm has been trained yet.").classes("muted")
                else:
                    arms = list(self.explorer.vectors)
                    self._choice("space", arms, "by a trained arm").classes("w-full").props("dense")
                    vectors = self.explorer.vectors[self.space]()
                    self._list(trained_neighbours(self.library, vectors, self.row))

    def _choice(self, attribute: str, options: list[str], label: str) -> ui.select:
        """A menu that sets one of the page's attributes."""

        def chosen(event: ValueChangeEventArguments) -> None:
            setattr(self, attribute, event.value)
            self.refresh()

        return ui.select(options, value=getattr(self, attribute), label=label, on_change=chosen)

    def _list(self, neighbours: list[Neighbour]) -> None:
        if not neighbours:
            ui.label("None: the item has no vector here.").classes("muted")
        for place, near in enumerate(neighbours, 1):
            shared = ", ".join(_words(dimension) for dimension in near.shared)
            self._line(place, near.row, shared, f"{near.similarity:.3f}")

    def _document(self) -> None:
        _heading("h3", "Document")
        fields = self.explorer.document(self.library.items["item_id"][self.row])
        if not fields:
            ui.label("The item has no text.").classes("muted")
        for part in fields:
            ui.label(f"{part.label} · from {part.source}").classes("muted mt-2")
            ui.label(part.text).classes("text")
        own = pages_of(self.library, self.row)
        if own:
            _heading("h3", "Whose page it is")
        for page in own:
            with ui.row().classes("items-baseline gap-2"):
                ui.label(page.verdict).classes("text")
                if page.url.startswith(("https://", "http://")):
                    ui.link("open", page.url, new_tab=True)
        for source in dict.fromkeys(part.source for part in fields):
            if line := self.explorer.attributions.get(source):
                ui.label(line).classes("muted mt-2")

    def _doubtful(self) -> None:
        """Pages that somebody should look at; `recfeat text pin` has the last word."""
        ui.label(
            "Pages that text sources offered, the most doubtful first. `recfeat text pin` says "
            "which one is an item's own."
        ).classes("muted mb-2")
        for place, page in enumerate(doubtful_pages(self.library), 1):
            self._line(place, page.row, page.verdict, f"{page.doubt:.2f}")

    def _line(self, place: int, row: int, below: str, number: str) -> None:
        with ui.element("div").classes("line"):
            ui.label(str(place)).classes("number")
            with ui.element("div"):
                self._link(row)
                if below:
                    ui.label(below).classes("muted px-2")
            ui.label(number).classes("number")

    def _link(self, row: int) -> ui.element:
        button = ui.element("button").classes("result").on("click", self._to(row))
        with button:
            ui.label(self._title(row))
        return button

    def _to(self, row: int) -> Callable[[], None]:
        return lambda: self.look_at(row)

    def _title(self, row: int) -> str:
        return str(self.library.items["title"][row])

    def _id(self, row: int) -> str:
        return str(self.library.items["item_id"][row])


def _heading(tag: str, text: str) -> None:
    with ui.element(tag):
        ui.label(text)


def _words(name: str) -> str:
    return name.replace("_", " ")
