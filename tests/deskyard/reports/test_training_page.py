"""The training report: it loads nothing, nothing in a label can run, and it is complete in each language."""

import builtins
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

import deskyard.reports
from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.errors import BundleBroken, ExtraMissing
from deskyard.registry import bundle
from deskyard.reports import charts
from deskyard.reports.i18n import LOCALES_FOLDER, Language, Translator, preferred_language
from deskyard.reports.report_files import read_figures, write_figures
from deskyard.reports.training_page import render_report
from tests import translated
from training.data.history import History
from training.pipeline.options import Options
from training.pipeline.run import train_model
from training.report import build_document

EVIL = "<script>alert(1)</script>"
NAMES = (
    EVIL,
    '"><img src=x onerror=alert(2)>',
    "Кадры & 'отпуск' / very long, longer than any axis would ever show it",
)
REPORTS = Path(deskyard.reports.__file__).parent
MADE = {"at": "2026-01-31T12:00:00+00:00", "seconds": 3.0, "on": "a test"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A bundle with its report; labels and ids are what an attacker would write."""
    place = tmp_path_factory.mktemp("report") / "b"
    says = ("the vpn drops", "a wrong invoice", "прошу отпуск")
    tickets = [
        Ticket(id=f"{n}{EVIL}", subject=says[n % 3 if n % 9 else 0], channel=(EVIL, "mail")[n % 2]) for n in range(240)
    ]
    labels = {target: [None] * len(tickets) for target in TARGETS}
    labels["queue"] = [NAMES[n % 3] for n in range(len(tickets))]
    past = History(tickets=tickets, labels=labels, digest="by hand")
    trained = train_model(past, Options(audit=True, precision=0.8))
    digest = bundle.save_bundle(place, trained.scorer, trained.evidence, trained.card, MADE)
    write_figures(place, build_document(trained, digest, place, MADE, f"deskyard train '{EVIL}'"))
    return place


@pytest.fixture(scope="module")
def document(folder):
    return read_figures(folder, bundle.load_bundle(folder).digest)


@pytest.fixture(scope="module", params=Language)
def page(request, document) -> str:
    return render_report(document, request.param, {one["id"]: EVIL for one in document["targets"]["queue"]["mistakes"]})


class Seen(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_nothing_that_a_label_an_id_or_a_text_says_can_act(page):
    seen = Seen(page)
    assert not {"script", "img", "iframe", "object", "link", "foreignobject", "image", "use"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert page.count("alert(1)") > 5
    assert EVIL not in page
    assert "default-src 'none'" in page


def test_nothing_outside_the_file_is_needed(page):
    seen = Seen(page)
    places = [value for name, value in seen.attributes if name in ("src", "href", "xlink:href", "action", "data")]
    assert places
    assert all(value.startswith("#") for value in places)
    assert not re.search(r"https?://|@import|url\(", page)
    ids = [value for name, value in seen.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in places} <= set(ids)


def test_pictures_have_a_name_and_tables_their_headings(page):
    seen = Seen(page)
    names = [value for name, value in seen.attributes if name == "aria-label"]
    assert seen.tags.count("svg") == seen.attributes.count(("role", "img")) >= 3
    assert all(names)
    assert seen.tags.count("th") == sum(name == "scope" for name, _ in seen.attributes)
    assert seen.tags.count("h1") == 1


def test_the_page_speaks_one_language(document):
    russian = render_report(document, Language.RU)
    assert '<html lang="ru">' in russian
    text = re.sub(r"<style>.*?</style>|<code>.*?</code>|<[^>]*>", " ", russian, flags=re.S)
    assert not set(re.findall(r"[a-z]+", text.lower())) & {"the", "and", "tickets", "is", "right", "routed", "with"}
    english = re.sub(r"<svg.*?</svg>|Кадры|отпуск", "", render_report(document, Language.EN), flags=re.S)  # labels stay
    assert not re.search("[А-Яа-я]", english)


@pytest.mark.parametrize("language", [one for one in Language if one is not Language.EN])
def test_every_sentence_is_translated_and_takes_the_same_values(language):
    translated.check(REPORTS, [LOCALES_FOLDER / f"{language.value}.po"], language.value)


@pytest.mark.parametrize(("n", "said"), [(1, "1 заявка"), (3, "3 заявки"), (5, "5 заявок"), (21, "21 заявка")])
def test_a_number_takes_its_own_form(n, said):
    assert Translator(Language.RU).ngettext("%(n)s ticket", "%(n)s tickets", n) == said


def test_numbers_and_dates_are_those_of_the_language():
    english, russian = Translator(Language.EN), Translator(Language.RU)
    assert (english.number(12345), russian.number(12345)) == ("12,345", "12\xa0345")
    assert (english.number(0.5, 3), russian.number(0.5, 3)) == ("0.500", "0,500")
    assert english.long_date("2026-01-31T12:00:00+00:00") == "January 31, 2026"
    assert russian.long_date("2026-01-31T12:00:00+00:00").startswith("31 января 2026")
    assert (english.month("2026-01"), russian.month("2026-01")) == ("January 2026", "январь 2026")
    assert russian.language_name("de") == "немецкий"
    assert preferred_language({"LANG": "de_DE"}) is preferred_language({}) is Language.EN


def test_without_the_library_that_draws_a_sentence_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name == "vl_convert":
            raise ModuleNotFoundError(name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ExtraMissing, match=r"deskyard\[training\]"):
        charts.render_chart({}, Translator(Language.EN), "x")


def test_the_report_is_made_again_in_another_language_and_place(command, home, folder, tmp_path):
    shutil.copytree(folder, home / "models" / "one")
    bundle.set_champion(home / "models", "one")
    assert command("report", "--lang", "ru").code == 0
    assert "Вывод" in (home / "models" / "one" / "report.html").read_text("utf-8")
    said = command("report", "one", "--lang", "en", "--out", tmp_path / "here.html")
    assert said.out.strip() == str(tmp_path / "here.html")
    assert "Verdict" in (tmp_path / "here.html").read_text("utf-8")
    said = command("report", "--out", tmp_path / "nowhere" / "x.html")
    assert (said.code, "can't be written" in said.err) == (2, True)


def test_a_report_of_another_model_is_refused(command, folder, tmp_path, made):
    shutil.copytree(folder, tmp_path / "b")
    digest = bundle.load_bundle(tmp_path / "b").digest
    document = json.loads((folder / "report.json").read_text("utf-8"))
    for change in ({"digest": "0" * 64}, {"format": 99}):
        write_figures(tmp_path / "b", document | change)
        said = command("report", tmp_path / "b")
        assert said.code == 2
        assert "train again" in said.err
    (tmp_path / "b" / "report.json").write_text("[")
    with pytest.raises(BundleBroken, match="can't be read"):
        read_figures(tmp_path / "b", digest)
    (tmp_path / "b" / "report.json").unlink()
    assert "holds no report" in command("report", tmp_path / "b").err


def test_a_report_is_no_part_of_the_bundle_and_goes_with_it(folder, tmp_path, made):
    shutil.copytree(folder, tmp_path / "b")
    before = bundle.load_bundle(folder).digest
    (tmp_path / "b" / "report.json").write_text("changed")
    assert bundle.load_bundle(tmp_path / "b").digest == before
    bundle.save_bundle(tmp_path / "b", *made, {})
    assert not (tmp_path / "b" / "report.json").exists()
    for path in (tmp_path / "b").glob("*/card.json"):
        path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BundleBroken):
        bundle.load_bundle(tmp_path / "b")
