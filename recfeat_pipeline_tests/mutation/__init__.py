"""Do the tests bite? Each mutant is the code with one small change, and some test must fail."""
