package store

import "time"

// micros returns a time as it is stored.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment returns a stored time.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// blob returns bytes that are not nil: in a parameter that would be NULL, and the engines differ in what they return.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// flag returns a bool as both engines store it.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// duration returns a stored duration.
func duration(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }
