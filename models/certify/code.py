"""What code a family infers with, and whether it still says the same.

The modules are found by walking the imports from the family's own module, without importing
anything. Two digests a module: one of its text, which is cheap to check, and one of its syntax
tree without docstrings, which a comment does not change and a constant does.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

HOUSE = "models"
# what computes outside the house of models: how reports become incidents, and how days count
BESIDE = frozenset({"forecast.evidence", "forecast.clock"})
ASIDE = ("models.certify", "models.testing", "models.registry")  # they infer nothing
FIELDS_ASIDE = {"type_comment", "kind", "type_ignores"}


def modules_behind(*roots: str) -> dict[str, Path]:
    """The source files of the roots and of all they import, of ours and of their own package."""
    packages = {HOUSE, *(root.partition(".")[0] for root in roots)}
    found: dict[str, Path] = {}
    waiting = [*roots, *(p for r in roots for p in _with_parents(r) if not _is_aside(p))]
    while waiting:
        name = waiting.pop()
        path = source_of(name)
        if name in found or path is None:
            continue
        found[name] = path
        for imported in _imports(_tree(path), name, path.name == "__init__.py"):
            if imported in BESIDE:
                waiting.append(imported)
            elif imported.partition(".")[0] in packages:
                waiting += [part for part in _with_parents(imported) if not _is_aside(part)]
    return dict(sorted(found.items()))


def source_of(module: str) -> Path | None:
    """The file of a module, found without importing it; None where it is not a file of Python."""
    top, *rest = module.split(".")
    for folder in _folders_of(top):
        package, single = folder.joinpath(*rest, "__init__.py"), folder.joinpath(*rest)
        if package.is_file():
            return package
        if rest and single.with_suffix(".py").is_file():
            return single.with_suffix(".py")
    spec = find_spec(top) if not rest else None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


@lru_cache(maxsize=64)
def _folders_of(top: str) -> tuple[Path, ...]:
    spec = find_spec(top)
    return tuple(Path(place) for place in (spec and spec.submodule_search_locations) or ())


def text_digest(path: Path) -> str:
    """SHA-256 of a file, shortened."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def meaning_digest(path: Path) -> str:
    """SHA-256 of what a file says to Python, shortened: no comments, docstrings or layout."""
    return hashlib.sha256(_written(_tree(path)).encode()).hexdigest()[:16]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def _with_parents(module: str) -> list[str]:
    """a.b.c as a, a.b and a.b.c: importing it runs them all."""
    parts = module.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def _is_aside(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in ASIDE)


def _imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[str]:
    """Every name that may be a module in the import statements of a module, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            parts = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*parts, *filter(None, [node.module])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _written(node: object) -> str:
    """A syntax tree as text, the same in every version of Python that reads it the same."""
    if isinstance(node, list):
        return f"[{','.join(map(_written, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [
        f"{name}={_written(value)}"
        for name, value in ast.iter_fields(_without_docstring(node))
        if name not in FIELDS_ASIDE and value is not None and value != []
    ]
    return f"{type(node).__name__}({','.join(fields)})"


def _without_docstring(node: ast.AST) -> ast.AST:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]
    return node
