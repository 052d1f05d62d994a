"""Speed, as ratios measured in one run against a named peer. Never part of the tests: a figure is no proof."""
