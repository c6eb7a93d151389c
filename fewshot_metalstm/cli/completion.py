"""``fewshot-metalstm completion``: the script with which a shell completes this program's words."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    bash: eval "$(fewshot-metalstm completion bash)"          in ~/.bashrc
    zsh:  eval "$(fewshot-metalstm completion zsh)"           in ~/.zshrc
    fish: fewshot-metalstm completion fish | source           in ~/.config/fish/config.fish

    Commands, options, suites, targets and corpora are completed, and files where files go.
    """
    from fewshot_metalstm.cli.main import COMPLETION, PROGRAM, cli
    from fewshot_metalstm.cli.shells import script

    click.echo(script(shell, cli, PROGRAM, COMPLETION))
