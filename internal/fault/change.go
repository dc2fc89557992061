package fault

// Change writes the command of a change that a hint names, without the
// program's name: outside the demo a change without a reason is refused, so the
// command that is to be typed asks for one.
func Change(command string) string { return "shard-admin " + command + " --note REASON" }
