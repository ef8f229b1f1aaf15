"""The Atlassian Document Format: texts are read as people see them, and notes are written as intended."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.connectors.jira import adf


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


def said(text, *marks):
    return {"type": "text", "text": text, **({"marks": list(marks)} if marks else {})}


def par(*content):
    return {"type": "paragraph", "content": [said(one) if isinstance(one, str) else one for one in content]}


def item(*content):
    return {"type": "listItem", "content": list(content)}


def link(where):
    return {"type": "link", "attrs": {"href": where}}


CASES = {
    "paragraphs": (doc(par("one"), par("two ", said("bold", {"type": "strong"}))), "one\ntwo bold"),
    "line break": (doc(par("one", {"type": "hardBreak"}, "two")), "one\ntwo"),
    "heading": (doc({"type": "heading", "attrs": {"level": 2}, "content": [said("Steps")]}), "Steps"),
    "bullets": (
        doc({"type": "bulletList", "content": [item(par("one")), item(par("two"), par("more of two"))]}),
        "- one\n- two\n  more of two",
    ),
    "numbers": (
        doc({"type": "orderedList", "attrs": {"order": 3}, "content": [item(par("a")), item(par("b"))]}),
        "3. a\n4. b",
    ),
    "nested": (
        doc(
            {
                "type": "bulletList",
                "content": [item(par("a"), {"type": "orderedList", "content": [item(par("b"))]})],
            }
        ),
        "- a\n  1. b",
    ),
    "tasks": (
        doc({"type": "taskList", "content": [{"type": "taskItem", "content": [said("call back")]}]}),
        "- call back",
    ),
    "code": (
        doc({"type": "codeBlock", "attrs": {"language": "sh"}, "content": [said("ls\n  -l")]}),
        "ls\n  -l",
    ),
    "quote": (doc({"type": "blockquote", "content": [par("he said"), par("and more")]}), "> he said\n> and more"),
    "panel": (doc({"type": "panel", "attrs": {"panelType": "info"}, "content": [par("note well")]}), "note well"),
    "expand": (
        doc({"type": "expand", "attrs": {"title": "Log"}, "content": [par("line")]}),
        "Log\nline",
    ),
    "table": (
        doc(
            {
                "type": "table",
                "content": [
                    {
                        "type": "tableRow",
                        "content": [
                            {"type": "tableHeader", "content": [par("Host")]},
                            {"type": "tableCell", "content": [par("db1"), par("db2")]},
                        ],
                    }
                ],
            }
        ),
        "Host | db1 db2",
    ),
    "mention": (doc(par("ask ", {"type": "mention", "attrs": {"id": "7", "text": "@Ann Lee"}})), "ask @Ann Lee"),
    "mention without a name": (doc(par({"type": "mention", "attrs": {"id": "7"}})), "7"),
    "emoji": (doc(par("done ", {"type": "emoji", "attrs": {"shortName": ":tada:", "text": "🎉"}})), "done 🎉"),
    "status": (doc(par({"type": "status", "attrs": {"text": "BLOCKED", "color": "red"}})), "BLOCKED"),
    "date": (doc(par("by ", {"type": "date", "attrs": {"timestamp": "1700000000000"}})), "by 2023-11-14"),
    "link": (
        doc(par(said("the page", link("https://example.test/a")), " ", said("a@b.test", link("mailto:a@b.test")))),
        "the page (https://example.test/a) a@b.test",
    ),
    "card": (doc(par("see ", {"type": "inlineCard", "attrs": {"url": "https://example.test/b"}})), "see https://example.test/b"),
    "block card": (doc({"type": "blockCard", "attrs": {"url": "https://example.test/c"}}), "https://example.test/c"),
    "picture": (
        doc({"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "x", "alt": "blue screen"}}]}),
        "blue screen",
    ),
    "rule": (doc(par("a"), {"type": "rule"}, par("b")), "a\nb"),
    "unknown block": (doc({"type": "hologram", "content": [par("inside")]}), "inside"),
    "unknown inline": (doc(par("a ", {"type": "sparkle", "content": [said("b")]})), "a b"),
    "empty": (doc(), ""),
    "empty paragraph between": (doc(par("a"), par(), par("b")), "a\nb"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_document_reads_as_people_see_it(case):
    written, seen = CASES[case]
    assert adf.adf_to_text(written) == seen


@pytest.mark.parametrize(
    "broken",
    [None, 7, [], {}, {"type": "doc"}, {"type": "doc", "content": "x"}, {"content": [None, 3, "x"]}, doc({"type": 5}),
     doc(par({"type": "text"})), doc(par({"type": "date", "attrs": {"timestamp": "soon"}})),
     doc({"type": "mention", "attrs": None}), doc(said("x", "not a mark"))],
)  # fmt: skip
def test_what_is_broken_raises_nothing(broken):
    assert isinstance(adf.adf_to_text(broken), str)


def test_a_document_of_a_thousand_levels_is_cut_off_and_not_crashed_over():
    node = par("deep")
    for _ in range(1000):
        node = {"type": "panel", "content": [node]}
    assert adf.adf_to_text(doc(par("top"), node)) == "top"


def test_a_note_becomes_paragraphs_and_lines():
    made = adf.text_to_adf("Queue: Network\nWhy: vpn\n\n[d7-0a1b]")
    assert [one["type"] for one in made["content"]] == ["paragraph", "paragraph"]
    assert made["content"][0] == par("Queue: Network", {"type": "hardBreak"}, "Why: vpn")
    assert json.loads(json.dumps(made)) == made


@given(st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"])))
def test_what_was_written_is_read_again_and_no_node_is_empty(words):
    made = adf.text_to_adf(words)
    lines = [line for line in words.split("\n") if line.strip()]
    assert [line for line in adf.adf_to_text(made).split("\n") if line.strip()] == lines
    assert all(node.get("text", "x") for block in made["content"] for node in block["content"])
