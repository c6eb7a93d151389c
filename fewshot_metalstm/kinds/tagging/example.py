"""A small annotated text, to begin with."""

EXAMPLE = """\
Mice\tB-Species
were\tO
infected\tO
with\tO
Escherichia\tB-Species
coli\tI-Species
.\tO

No\tO
growth\tO
was\tO
seen\tO
.\tO

Human\tB-Species
serum\tO
inhibited\tO
E\tB-Species
.\tI-Species
coli\tI-Species
.\tO
"""
"""Written for this project: a token a line, a tab, its tag; an empty line between sentences."""
