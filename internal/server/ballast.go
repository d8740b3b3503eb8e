package server

// ballast is memory that is allocated and never touched, so that the system never provides it. The garbage collector
// waits until the heap has grown as large again as what is in use; what nsc uses is so little that it would run some
// hundred times a second under load. With the ballast it waits for as much garbage at least, and a heap that is large by
// itself still grows no more than it would.
var ballast []byte

const ballastSize = 48 << 20

// collectLess begins when the server is ready.
func collectLess() { ballast = make([]byte, ballastSize) }
