"""`grader explain CODE`: what a check checks, why it matters, and how to do it right."""

from __future__ import annotations

from typing import Annotated

import typer

from grader.cli.app import app


def complete_code(incomplete: str) -> list[str]:
    """Codes for the shell's completion."""
    from grader.checks import all_checks

    return [code for code in all_checks() if code.startswith(incomplete.upper())]


@app.command()
def explain(
    code: Annotated[
        str, typer.Argument(help="E.g. TL103; without it, all are listed.", autocompletion=complete_code)
    ] = "",
) -> None:
    """Explain a check."""
    from rich.console import Console
    from rich.markdown import Markdown

    from grader import checks

    console = Console(width=min(Console().width, 100))
    if code:
        console.print(Markdown(checks.explain(code.upper())))
        return
    for known, check in checks.all_checks().items():
        console.print(f"[bold]{known}[/]  {check().titled()}", highlight=False)
