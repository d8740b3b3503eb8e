package server

import "runtime/debug"

// collectLess lets the heap grow to four times what is in use before it is collected. What nsc uses is so little that the
// collector would otherwise run some hundred times a second under load.
func collectLess() { debug.SetGCPercent(300) }
