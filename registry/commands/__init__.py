"""Commands of `lancang`: one module per command, each with a click object named `command`."""
