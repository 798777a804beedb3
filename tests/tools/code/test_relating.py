"""Which files of the workspace a file imports."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk.code import trees
from codelab.sdk.code.grammars import Import
from codelab.tools.builtin.code.resolving import Manifest, candidates, related
from tests.tools.conftest import Bench

LANGUAGES = ("Dart", "Go", "Java", "JavaScript", "Python", "Rust", "TSX", "TypeScript")

# For each language: the files, which of them is asked about, and what it imports.
PROJECTS: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "Python": (
        {
            "src/shop/__init__.py": "",
            "src/shop/cart.py": (
                "import json, shop.prices as p\nfrom . import tax\n"
                "from .models import Item, order\n"
                "from shop import (\n    missing,\n)\nimport requests\n"
                "from ..shop.tax import rate\n"
            ),
            "src/shop/json.py": "",
            "src/shop/prices.py": "",
            "src/shop/tax.py": "",
            "src/shop/models/__init__.py": "",
            "src/shop/models/order.py": "",
        },
        "src/shop/cart.py",
        [
            "src/shop/prices.py",
            "src/shop/tax.py",
            "src/shop/models/__init__.py",
            "src/shop/models/order.py",
            "src/shop/__init__.py",
        ],
    ),
    "TypeScript": (
        {
            "web/tsconfig.json": (
                '{\n  // paths\n  "compilerOptions": {"baseUrl": ".",'
                ' "paths": {"@/*": ["src/*"],}}\n}'
            ),
            "web/src/main.ts": (
                "import type { A } from './a'\nimport './style.css'\nimport b from './b.js'\n"
                "export * from '@/lib'\nconst c = await import('../c')\nimport React from 'react'\n"
                "const d = require('./d/e'); other('./a2')\nimport v from './View.vue'\n"
            ),
            "web/src/a.tsx": "",
            "web/src/a2.ts": "",
            "web/src/style.css": "",
            "web/src/b.ts": "",
            "web/src/lib/index.ts": "",
            "web/c.mjs": "",
            "web/src/d/e.json": "{}",
            "web/src/View.vue": "",
        },
        "web/src/main.ts",
        [
            "web/src/a.tsx",
            "web/src/style.css",
            "web/src/b.ts",
            "web/src/lib/index.ts",
            "web/c.mjs",
            "web/src/d/e.json",
            "web/src/View.vue",
        ],
    ),
    "JavaScript": (
        {
            "a.js": (
                "import B from './b';\nconst x = () => <B c={1}>t</B>;\n"
                "module.exports = require('./c.js');\n"
            ),
            "b.jsx": "",
            "c.js": "",
        },
        "a.js",
        ["b.jsx", "c.js"],
    ),
    "Go": (
        {
            "go.mod": "module example.com/shop\n\ngo 1.22\n",
            "cmd/main.go": (
                'package main\n\nimport (\n\t"fmt"\n\tcart "example.com/shop/cart"\n'
                '\t"example.com/shopping/x"\n\t_ "example.com/shop/gone"\n)\n'
            ),
            "cart/cart.go": "package cart\n",
        },
        "cmd/main.go",
        ["cart/"],
    ),
    "Rust": (
        {
            "src/main.rs": (
                "mod cart;\nmod inline {}\nuse crate::cart::{tax::Rate, item};\nuse std::io;\n"
            ),
            "src/cart/mod.rs": "",
            "src/cart/tax.rs": "",
            "src/cart/item.rs": "use super::tax as t;\nuse crate::cart::*;\n",
        },
        "src/main.rs",
        ["src/cart/mod.rs", "src/cart/tax.rs", "src/cart/item.rs"],
    ),
    "Java": (
        {
            "src/main/java/com/shop/Cart.java": "package com.shop;\nclass Cart {}\n",
            "src/main/java/com/shop/tax/Rate.java": "package com.shop.tax;\n",
            "src/main/java/com/shop/util/Text.java": "package com.shop.util;\n",
            "src/test/java/com/shop/CartTest.java": (
                "package com.shop;\n\nimport java.util.List;\nimport com.shop.tax.Rate;\n"
                "import static com.shop.util.Text.trim;\nimport com.shop.Cart.Line;\n"
                "import com.shop.tax.*;\n\nclass CartTest {}\n"
            ),
        },
        "src/test/java/com/shop/CartTest.java",
        [
            "src/main/java/com/shop/tax/Rate.java",
            "src/main/java/com/shop/util/Text.java",
            "src/main/java/com/shop/Cart.java",
            "src/main/java/com/shop/tax/",
        ],
    ),
    "Dart": (
        {
            "app/pubspec.yaml": "name: shop\n",
            "app/lib/main.dart": (
                "import 'dart:io';\nimport 'package:shop/src/cart.dart' as c;\n"
                "import 'package:http/http.dart';\nexport 'tax.dart' show Rate;\n"
                "part 'main.g.dart';\n"
            ),
            "app/lib/src/cart.dart": "",
            "app/lib/tax.dart": "",
            "app/lib/main.g.dart": "",
        },
        "app/lib/main.dart",
        ["app/lib/src/cart.dart", "app/lib/tax.dart", "app/lib/main.g.dart"],
    ),
}


def fill(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")


def arguments(path: str) -> str:
    return msgspec.json.encode({"path": path}).decode()


@pytest.mark.parametrize("language", PROJECTS)
async def test_imports_are_followed_to_files(bench: Bench, root: Path, language: str) -> None:
    files, asked, expected = PROJECTS[language]
    fill(root, files)
    result = await bench.run("related_files", arguments(asked))
    assert result.output.splitlines() == [f"{asked} imports:", *expected]


async def test_a_module_names_its_neighbours(bench: Bench, root: Path) -> None:
    fill(root, PROJECTS["Rust"][0])
    result = await bench.run("related_files", arguments("src/cart/item.rs"))
    assert result.output.splitlines()[1:] == ["src/cart/tax.rs", "src/cart/mod.rs"]


async def test_nothing_is_named_that_is_hidden_or_outside(bench: Bench, root: Path) -> None:
    (root.parent / "outside.py").write_text("")
    fill(root, {"a.py": "from .. import outside\nfrom .b import c\nimport build.d\n"})
    fill(root, {"b/__init__.py": "", "build/d.py": "", ".gitignore": "b/\n"})
    result = await bench.run("related_files", arguments("a.py"))
    assert result.output == "a.py imports no file of this workspace."


async def test_what_cannot_be_followed_is_said(bench: Bench, root: Path) -> None:
    fill(root, {"a.txt": "", "long.py": "x = 1\n" * 100_000})
    assert "cannot be followed" in (await bench.run("related_files", arguments("a.txt"))).output
    assert "too long" in (await bench.run("related_files", arguments("long.py"))).output


paths = st.lists(st.sampled_from(["a", "src", "b.py", "index.ts"]), min_size=1, max_size=4)
words = st.text("ab./:@*-", max_size=12)
things = st.builds(
    Import,
    module=words,
    names=st.lists(words, max_size=2).map(tuple),
    level=st.integers(0, 6),
    kind=st.sampled_from(["import", "declared", "package"]),
)


@given(
    st.sampled_from(LANGUAGES),
    paths.map("/".join),
    st.lists(things, max_size=4),
    st.sampled_from(
        ["", "module a", "name: a", '{"compilerOptions": {"baseUrl": "..", "paths": 1}}']
    ),
)
def test_candidates_stay_inside_the_workspace(
    language: str, path: str, found: list[Import], text: str
) -> None:
    manifest = Manifest(folder="src", text=text)
    for group in candidates(language, path, found, manifest):
        for one in group:
            assert not one.startswith(("/", "../")) and ".." not in one.split("/")
    everything = related(language, path, found, manifest, lambda _: True)
    assert len(set(everything)) == len(everything)
    assert path not in everything
    assert related(language, path, found, manifest, lambda _: False) == ()


@given(st.sampled_from(LANGUAGES), st.text(max_size=200))
def test_no_text_is_too_strange(language: str, text: str) -> None:
    assert all(isinstance(one, Import) for one in trees.imports(language, text))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("Java", f"import a{' ' * 100_000}.b;"),
        ("Rust", f"use {'a::{' * 20_000}b{'}' * 20_000};"),
        ("Rust", f"use {'{' * 10_000}b{'}' * 10_000};"),
        ("Rust", f"use {'a::' * 4000}{{{'b,' * 8000}}};"),
        ("Rust", f"use {'super::' * 4000}a;"),
        ("Python", f"from {'.' * 9000} import a"),
        ("Python", "".join(f"import b{n}\n" for n in range(5000))),
        ("Python", f"from .a import {','.join(f'b{n}' for n in range(9000))}"),
        ("TypeScript", "".join(f"import 'b{n}';\n" for n in range(4000))),
    ],
)
def test_no_import_is_so_strange_that_it_takes_long(language: str, text: str) -> None:
    patterns = ",".join(f'"{n}*": ["x"]' for n in range(5000))
    manifest = Manifest(text=f'{{"compilerOptions": {{"paths": {{{patterns}}}}}}}')
    path = "/".join(["a"] * 1000)
    started = time.process_time()
    found = trees.imports(language, text)
    assert all(
        len(one) <= 1000 for group in candidates(language, path, found, manifest) for one in group
    )
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 30_000, "/* " * 50_000, '"a' * 50_001, ", " * 50_000]
)
def test_no_manifest_is_so_strange_that_it_takes_long(text: str) -> None:
    started = time.process_time()
    candidates("TypeScript", "a.ts", (Import(module="b"),), Manifest(text=text))
    assert time.process_time() - started < 1


async def test_brackets_that_hold_up_the_parser_hold_up_nobody_else(
    bench: Bench, root: Path
) -> None:
    (root / "evil.js").write_text("(" * 250_000)
    beats = 0
    reading = asyncio.ensure_future(bench.run("related_files", arguments(path="evil.js")))
    while not reading.done():
        await asyncio.sleep(0.01)
        beats += 1
    assert not (await reading).ok
    # It is given up after five seconds.
    assert beats > 100


def test_grammars_are_not_loaded_before_they_are_needed() -> None:
    program = (
        "import sys, codelab.tools.builtin.plugin as plugin\nplugin.register_tools()\n"
        "print([name for name in sys.modules if name.startswith('tree_sitter')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
