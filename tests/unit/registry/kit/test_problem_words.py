"""Every sentence about an imported file exists in Chinese, with the values of the English one."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.bodies.importers import BODY
from registry.kit.import_problems import FileProblem
from registry.kit.problem_words import in_language, place_words, sentence
from verifier.core.document import IMPORT_SHAPES
from verifier.core.shapes import Either, ListOf, Object, Shape, Text, TextByLanguage

ROOT = Path(__file__).parents[4]
WORDS = json.loads((ROOT / "registry/kit/problem_words.json").read_text("utf-8"))["zh"]
SOURCES = [
    *(ROOT / "verifier" / "core" / f"{name}.py" for name in ("document", "document_rules")),
    *(ROOT / "verifier" / "core" / f"{name}.py" for name in ("moments", "shapes")),
    *(ROOT / "registry" / f"{name}.py" for name in ("founding", "bodies/importers")),
    *(ROOT / "registry/certificates" / f"{n}.py" for n in ("importers", "intake", "service")),
    *sorted((ROOT / "registry/certificates/tables").glob("*.py")),
]
SAYING = {"refuse", "_refuse", "Unusable", "MalformedEvidenceError"}  # the second argument is one
HOLE = re.compile(r"\{[0-9]\}")


def sentences(path: Path) -> Iterator[str]:
    """Yield the sentences in a module, `{}` in the place of values."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        said: ast.expr | None = None
        if isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            said = node.value if "message" in names else None
        elif isinstance(node, ast.keyword) and node.arg == "message":
            said = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            said = node.args[1] if node.func.id in SAYING and len(node.args) > 1 else None
        if isinstance(said, ast.Constant):
            yield str(said.value)
        elif isinstance(said, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in said.values
            )


def wanted(shape: Shape) -> Iterator[str]:
    if isinstance(shape, Text) and shape.pattern is not None:
        yield shape.wanted
    inner: list[Shape] = []
    if isinstance(shape, Object):
        inner = [*shape.members.values()]
    elif isinstance(shape, ListOf):
        inner = [shape.item]
    elif isinstance(shape, Either):
        inner = [*shape.shapes]
    elif isinstance(shape, TextByLanguage):
        inner = [shape.text, shape.tag]
    for each in inner:
        yield from wanted(each)


def test_every_sentence_in_the_sources_has_its_counterpart() -> None:
    known = {HOLE.sub("{}", english) for english in WORDS["sentences"]}
    found = {said for path in SOURCES for said in sentences(path)}
    assert len(found) > 80
    assert found - known == set()


def test_what_a_pattern_wants_is_said_in_chinese() -> None:
    asked = {each for shape in (*IMPORT_SHAPES.values(), BODY) for each in wanted(shape)}
    assert len(asked) > 15
    assert {each for each in asked if each not in WORDS["terms"]} == set()


def test_counterparts_name_the_same_values() -> None:
    for english, chinese in WORDS["sentences"].items():
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(chinese)), english
        assert HOLE.findall(english) == [f"{{{at}}}" for at in range(english.count("{"))]


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("is missing", "缺失"),
        ("must have at most 64 characters, not 70", "最多 64 个字符，现有 70 个"),
        ("must be one of pass, fail", "必须是以下之一：pass, fail"),
        ("must be an edition such as HS 2022", "必须是版本，如 HS 2022"),
        ("is needed with type below_loq", "类型为 below_loq 时必须填写"),
        ("is needed with an HS code", "有HS 编码时必须填写"),
        (
            "is not JSON: Expecting value in line 3, column 4",
            "不是 JSON：第 3 行第 4 列，Expecting value",
        ),
        ("no body 'a {0} b\nc' is registered", "没有登记的机构 'a {0} b\nc'"),
        ("a sentence nobody ever wrote", "a sentence nobody ever wrote"),
    ],
)
def test_sentences_carry_their_values(english: str, chinese: str) -> None:
    assert sentence(english, "zh") == chinese


def test_place_and_sentence_of_a_cell() -> None:
    problem = FileProblem(
        source="a.xlsx", pointer="/0/number", code="required", message="is missing",
        sheet="九月", row=7, column="B (批号)",
    )  # fmt: skip
    assert in_language(problem, "en") is problem
    told = in_language(problem, "zh")
    assert (told.message, told.code, told.row) == ("缺失", "required", 7)
    assert place_words(problem, "zh") == "工作表 九月，第 7 行，B (批号) 列"
    assert place_words(problem, "en") == problem.place


def test_what_has_no_column_is_named_by_its_field() -> None:
    problem = FileProblem(
        source="a.csv", pointer="/3/results/0/parameter/name", code="required",
        message="is missing", row=7,
    )  # fmt: skip
    assert problem.place == "row 7, field results.parameter.name"
    assert place_words(problem, "zh") == "第 7 行，字段 results.parameter.name"
    whole = FileProblem(source="a.csv", pointer="", code="no_header", message="x", row=1)
    assert whole.place == "row 1"
    nested = FileProblem(source="a.json", pointer="/0/title/en", code="empty", message="x")
    assert nested.place == "/0/title/en"
