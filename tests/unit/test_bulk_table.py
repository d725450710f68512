"""A bulk that is a template and a table of what to fill in."""

import pytest

from envwright.cli.bulks.intake import Specs
from envwright.cli.bulks.source import read_table
from envwright.cli.exits import FaultySpecs
from tests.bulks import TEMPLATE, Write, told


def test_a_row_fills_in_the_template(specs: Specs, write: Write) -> None:
    table = 'id,region,zones\n1,eu-west-1,2\n\n2,"us-east-1",3\n'

    read_table(specs, write("t.yaml", TEMPLATE), write("t.csv", table))

    assert [one.environment_id for one in specs] == ["lab-1.eu-west-1", "lab-2.us-east-1"]


def test_a_tsv_file_has_tabs(specs: Specs, write: Write) -> None:
    table = "id\tregion\tzones\n1\teu-west-1\t2\n"

    read_table(specs, write("t.yaml", TEMPLATE), write("t.tsv", table))

    assert len(specs) == 1


@pytest.mark.parametrize(
    ("template", "table", "parts"),
    [
        (
            TEMPLATE,
            "id,regoin,zones\n1,eu-west-1,2\n",
            [
                "t.yaml: 1 fault\n  Line 2, column 9: ",
                "t.csv has no column `region`; did you mean `regoin`?",
                "t.csv: 1 fault\n  Line 1: nothing in ",
                "is filled in from the column `regoin`: remove it, or write `${regoin}`",
            ],
        ),
        (TEMPLATE, "id;region;zones\n", ["Line 1: `id;region;zones` is no name for a column"]),
        (TEMPLATE, "id,region,zones,id\n", ["Line 1: `id` names 2 columns"]),
        (TEMPLATE, "id,region,zones,a\n", ["Error: 1 fault before the first row: nothing was"]),
        (TEMPLATE, "id,region,zones\n1\n", ["line 2: This has 1 value for 3 columns."]),
        (TEMPLATE, "", ["t.csv: 1 fault\n  It is empty", "has no column `zones`."]),
        (TEMPLATE, "id,region,zones\n", ["There is nothing in it that could be built"]),
        (
            TEMPLATE,
            "id,region,zones\n1,eu-west-1,2\n2,eu-west-1\n3,mars,2\n",
            [
                "\n  line 3: This has 2 values for 3 columns.",
                "\n  line 4, region: `mars` is not",
                "2 faults in 2 of 3 lines: nothing was begun.",
            ],
        ),
        (
            TEMPLATE,
            'id,region,zones\n1,eu-west-1,2\n"a\nb",eu-west-1,2\n2,"eu"x,1\n',
            ["\n  line 3, name: ", "\n  line 5: This is no row of a table: "],
        ),
        (TEMPLATE, "id,region,zones\n1,eu-west-1,two\n", ["line 2, network.zones: "]),
        (
            TEMPLATE.replace("${id}", "${"),
            "id,region,zones\n",
            ["t.yaml: 1 fault\n  Line 1, column"],
        ),
    ],
)
def test_what_does_not_fit_together_is_told_with_its_place(
    specs: Specs,
    write: Write,
    capsys: pytest.CaptureFixture[str],
    template: str,
    table: str,
    parts: list[str],
) -> None:
    with pytest.raises(FaultySpecs) as caught:
        read_table(specs, write("t.yaml", template), write("t.csv", table))

    shown = told(capsys, caught.value)
    assert [part for part in parts if part not in shown] == [], shown
