"""House rules that a program can check: each failure names the file, the line and the rule."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = [
    ROOT / "protomem" / "protomem",
    ROOT / "store" / "protomem_store",
    ROOT / "api" / "protomem_api",
    ROOT / "api" / "protomem_client",
    ROOT / "api" / "protomem_flower",
]
COMMAND_LINE = ROOT / "protomem" / "protomem" / "cli"
MOST_LINES = 400
NOTES = tuple(map(str.upper, ("todo", "fixme", "xxx")))  # in small letters: this file keeps its own rule
LOADERS_THAT_RUN_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}

BORDER = {
    "__init__",
    "cli",
    "contributing",
    "coordinating",
    "encoders",
    "group_commit",
    "keeping",
    "kept_examples",
    "label_names",
    "ledger",
    "listing",
    "loading",
    "memory",
    "merging",
    "opening",
    "pending",
    "requests",
    "sharing",
    "store",
    "sums_alone",
    "verification",
}
"""What of the core is not mathematics: it may know of files, clocks and threads. All else is under the contract."""

Finding = tuple[int, str]


def sources(*, tests: bool = True) -> list[Path]:
    folders = [*PARTS, ROOT / "tests"] if tests else PARTS
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def findings(paths: list[Path], rule: Callable[[ast.AST], Iterator[Finding]]) -> list[str]:
    """Where a rule is broken, as lines of `path:line: why`."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {why}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for line, why in rule(node)
    ]


def blind_except(node: ast.AST) -> Iterator[Finding]:
    if not isinstance(node, ast.ExceptHandler):
        return
    if node.type is None:
        yield node.lineno, "a bare `except`: name what is expected"
        return
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    names = {name.id for name in caught if isinstance(name, ast.Name)}
    if "Exception" in names or ("BaseException" in names and not isinstance(node.body[-1], ast.Raise)):
        yield node.lineno, "a blind `except` outside the command line: name what is expected"


def silent_except(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
        yield (
            node.lineno,
            "an error that is passed over in silence: handle it, or use contextlib.suppress with a reason",
        )


def imports_code_loader(node: ast.AST) -> Iterator[Finding]:
    names = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    for name in names:
        if name.partition(".")[0] in LOADERS_THAT_RUN_CODE:
            yield node.lineno, f"imports {name}: nothing that is read may run code"


def ignored_keywords(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg is not None:
        name = node.args.kwarg.arg
        used = any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))
        if not used:
            yield node.lineno, f"`**{name}` of {node.name} is ignored: say which keywords there are"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_holds_one_idea(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{path.relative_to(ROOT)} has {lines} lines, more than {MOST_LINES}: split it by idea"


def test_errors_are_caught_by_name() -> None:
    paths = [path for path in sources(tests=False) if not path.is_relative_to(COMMAND_LINE)]
    assert not (broken := findings(paths, blind_except)), "\n".join(broken)


def test_no_error_is_passed_over_in_silence() -> None:
    assert not (broken := findings(sources(tests=False), silent_except)), "\n".join(broken)


def test_nothing_that_is_read_may_run_code() -> None:
    assert not (broken := findings(sources(), imports_code_loader)), "\n".join(broken)


def test_no_keyword_is_accepted_and_ignored() -> None:
    assert not (broken := findings(sources(tests=False), ignored_keywords)), "\n".join(broken)


def test_no_note_of_unfinished_work_is_left() -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{number}: {note}: do it, or open an issue"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for note in NOTES
        if note in line
    ]
    assert not broken, "\n".join(broken)


def test_every_module_of_the_core_is_mathematics_or_named_as_border() -> None:
    """A new module must be put under the import contract, or be called border on purpose."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    mathematics = next(contract for contract in contracts if "mathematics" in contract["name"])
    under_contract = {module.removeprefix("protomem.") for module in mathematics["source_modules"]}
    there = {path.stem for path in PARTS[0].glob("*.py")} | {
        path.parent.name for path in PARTS[0].glob("*/__init__.py")
    }
    assert there - BORDER == under_contract, (
        "list a new module among the source_modules of that contract in pyproject.toml, or in BORDER above"
    )
