"""Tasks, suites, episodes, frozen draws and the overlap audit."""
