// Package survival shows what survives when processes are killed and engines or networks fail: managers are processes
// of their own (the test binary, started again) that end by SIGKILL, databases and brokers are containers.
//
// What belongs here: tests in which something dies, hangs or is cut off in the middle of work, and that end by adding
// up what was done. What does not: rules that need no failure (service), and faults of one statement (service, with a
// store that fails at the n-th). WHARF_TEST_SEED repeats a run's random choices; WHARF_TEST_SOAK=1 makes them more.
package survival
