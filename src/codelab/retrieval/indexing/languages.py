"""Which language a file is written in, by its name and by the program that it asks for; pure."""

from __future__ import annotations

import re

_ENDINGS = {
    "AsciiDoc": "adoc asciidoc",
    "Assembly": "asm s",
    "Bash": "bash sh zsh",
    "Batch": "bat cmd",
    "C": "c",
    "C#": "cs csx",
    # A header may be either; the grammar of C++ reads both.
    "C++": "c++ cc cpp cu cuh cxx h h++ hh hpp hxx inl ipp",
    "CMake": "cmake",
    "CSS": "css less sass scss",
    "Clojure": "clj cljc cljs edn",
    "Dart": "dart",
    "Elixir": "ex exs",
    "Erlang": "erl hrl",
    "F#": "fs fsi fsx",
    "Go": "go",
    "GraphQL": "gql graphql",
    "Groovy": "gradle groovy",
    "HCL": "hcl tf tfvars",
    "HTML": "htm html xhtml",
    "Haskell": "hs lhs",
    "INI": "cfg conf ini properties",
    "JSON": "json json5 jsonc jsonl",
    "Java": "java",
    "JavaScript": "cjs js jsx mjs",
    "Julia": "jl",
    "Jupyter": "ipynb",
    "Kotlin": "kt kts",
    "Lua": "lua",
    "Make": "mak mk",
    "Markdown": "markdown md mdx",
    "Nix": "nix",
    "OCaml": "ml mli",
    "Objective-C": "m mm",
    "PHP": "php phtml",
    "Perl": "pl pm t",
    "PowerShell": "ps1 psm1",
    "Protocol Buffers": "proto",
    "Python": "py pyi pyw",
    "R": "r rmd",
    "reStructuredText": "rst",
    "Ruby": "gemspec rake rb",
    "Rust": "rs",
    "SQL": "sql",
    "Scala": "sbt sc scala",
    "Solidity": "sol",
    "Starlark": "bazel bzl star",
    "Svelte": "svelte",
    "Swift": "swift",
    "TOML": "toml",
    "TSX": "tsx",
    "TeX": "bib sty tex",
    "Text": "txt",
    "TypeScript": "cts mts ts",
    "Vim script": "vim",
    "Vue": "vue",
    "XML": "csproj props targets xml xsd xsl",
    "YAML": "yaml yml",
    "Zig": "zig",
}
_NAMES = {
    "Bash": ".bashrc .profile .zshrc",
    "CMake": "cmakelists.txt",
    "Dockerfile": "containerfile dockerfile",
    "Go module": "go.mod go.work",
    "Groovy": "jenkinsfile",
    "INI": ".editorconfig",
    "Make": "gnumakefile makefile",
    "Ruby": "gemfile rakefile",
    "Starlark": "build workspace",
    "Text": "authors copying license notice readme",
}
_BY_ENDING = {end: name for name, ends in _ENDINGS.items() for end in ends.split()}
_BY_NAME = {word: name for name, words in _NAMES.items() for word in words.split()}
_PROGRAMS = {
    "bash": "Bash",
    "dash": "Bash",
    "node": "JavaScript",
    "perl": "Perl",
    "php": "PHP",
    "python": "Python",
    "ruby": "Ruby",
    "sh": "Bash",
    "zsh": "Bash",
}
_VERSION = re.compile(r"[\d.]+$")


def language_of(path: str, beginning: bytes = b"") -> str:
    """Return the name of a file's language; empty where it is unknown.

    Args:
        path: Its path.
        beginning: Its first bytes, where a script names its program.
    """
    name = path.rsplit("/", 1)[-1].lower()
    found = _BY_NAME.get(name) or _BY_ENDING.get(name.rpartition(".")[2] if "." in name else "")
    return found or _by_program(beginning)


def _by_program(beginning: bytes) -> str:
    if not beginning.startswith(b"#!"):
        return ""
    line = beginning[2:].split(b"\n", 1)[0].decode("utf-8", "replace")
    words = [word.rsplit("/", 1)[-1] for word in line.split() if not word.startswith("-")]
    if words[:1] == ["env"]:
        del words[0]
    return _PROGRAMS.get(_VERSION.sub("", words[0]), "") if words else ""
