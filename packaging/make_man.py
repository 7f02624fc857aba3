#!/usr/bin/env python3
"""Writes a manual page from what a program says with --help.

    packaging/make_man.py server|cli PROGRAM PAGE
"""
import subprocess, sys


def roff(text):
    """Text as it is, line by line."""
    lines = [line.replace("\\", "\\e").replace("-", "\\-") for line in text.splitlines()]
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def section(title, text):
    return f".SH {title}\n{text}\n"


def as_it_is(text):
    return f".nf\n{roff(text.rstrip())}\n.fi"


def help_of(program, *words):
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def server(program):
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    return "".join([
        f'.TH KUMOSEARCH\\-SERVER 8 "" "kumosearch {version}" "System administration"\n',
        section("NAME", "kumosearch\\-server \\- a search server that Typesense clients can talk to"),
        section("SYNOPSIS", ".B kumosearch\\-server\n\\-\\-data\\-dir\n.I DIRECTORY\n.RI [ OPTION .\\|.\\|.]"),
        section("DESCRIPTION", roff(
            "It keeps collections of JSON documents and searches them over HTTP. A write is on the disk and "
            "visible when it is answered. Several servers with the same --nodes file are a cluster, which goes "
            "on when one of three, or two of five, are gone.") + "\n.PP\n" + roff(
            "GET /health needs no key and answers 200 when the server serves. SIGTERM and SIGINT end it: what is "
            "under way is answered, what is in memory is stored.")),
        section("OPTIONS", as_it_is(help_of(program).split("Options:", 1)[1])),
        section("ENVIRONMENT", roff(
            "Each option may come from the environment: --api-port from KUMOSEARCH_API_PORT or "
            "TYPESENSE_API_PORT. The command line beats the file of --config, the file the environment.")),
        section("EXIT STATUS", roff("0 after a signal; 1 if it cannot start, or could not go on.")),
        section("FILES", ".TP\n.I /etc/kumosearch/server.ini\nSettings of the service.\n"
                ".TP\n.I /etc/kumosearch/environment\nIts API key, readable by root only.\n"
                ".TP\n.I /var/lib/kumosearch\nIts data.\n"
                ".TP\n.I /var/log/kumosearch/kumosearch.log\nIts log."),
        section("SEE ALSO", ".BR kumosearch\\-cli (1)"),
    ])


def cli(program):
    text = help_of(program)
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    options, rest = text.split("Options:", 1)[1].split("Subcommands:", 1)
    commands = [line.split()[0] for line in rest.splitlines() if line.startswith("  ") and line.split()]
    described = []
    for command in commands:
        said = help_of(program, command)
        inner = said.split("Subcommands:", 1)[1] if "Subcommands:" in said else ""
        for words in [[command, line.split()[0]] for line in inner.splitlines() if line.startswith("  ")] or [[command]]:
            described.append(f".SS {roff(' '.join(words))}\n{as_it_is(help_of(program, *words))}\n")
    return "".join([
        f'.TH KUMOSEARCH\\-CLI 1 "" "kumosearch {version}" "User commands"\n',
        section("NAME", "kumosearch\\-cli \\- load, search and look at a kumosearch server"),
        section("SYNOPSIS", ".B kumosearch\\-cli\n.RI [ OPTION .\\|.\\|.]\n.I COMMAND\n.RI [ ARGUMENT .\\|.\\|.]"),
        section("OPTIONS", as_it_is(options)),
        section("COMMANDS", "".join(described).rstrip("\n")),
        section("EXIT STATUS",
                ".TP\n0\nDone.\n"
                ".TP\n1\nSome lines failed, the cluster is not well, the server refused, or the output could not be "
                "written.\n.TP\n2\nThe command line or a file it names is wrong.\n"
                ".TP\n3\nThe server was not reached, or the connection broke."),
        section("ENVIRONMENT", ".TP\nKUMOSEARCH_URL\nThe server's address.\n.TP\nKUMOSEARCH_API_KEY\nThe API key.\n"
                ".TP\nNO_COLOR\nIf it is set, the output is without colours."),
        section("SEE ALSO", ".BR kumosearch\\-server (8)"),
    ])


def main():
    what, program, page = sys.argv[1:]
    with open(page, "w") as out:
        out.write({"server": server, "cli": cli}[what](program))


main()
