package audit

// Class says how a witness failed to vouch for a log. The values are those of a metric, and in the log.
type Class string

// The classes.
const (
	Unreachable  Class = "unreachable"  // no answer came
	Unavailable  Class = "unavailable"  // it says that it cannot answer now: 5xx or 429
	UnknownLog   Class = "unknown_log"  // 404: its operator has not entered the log's origin
	UnknownKey   Class = "unknown_key"  // 403: its operator has entered another key for the log
	BadRequest   Class = "bad_request"  // 400, and whatever else it does not like of what it was sent
	BadAnswer    Class = "bad_answer"   // what it said is nothing that its key vouches for, or nothing at all
	RolledBack   Class = "rolled_back"  // it has more of the log than there is: the log lost its end
	Inconsistent Class = "inconsistent" // it has another log of this name: events that it vouched for were changed
)

// Classes are all of them.
var Classes = []Class{Unreachable, Unavailable, UnknownLog, UnknownKey, BadRequest, BadAnswer, RolledBack, Inconsistent}

// Declined is the failure of a witness to vouch for a log.
type Declined struct {
	Class Class
	Err   error
}

// Error says what the witness answered.
func (d *Declined) Error() string { return string(d.Class) + ": " + d.Err.Error() }

// Unwrap returns the cause.
func (d *Declined) Unwrap() error { return d.Err }

// OfLog reports whether it is about this log, so that others may fare better.
func (d *Declined) OfLog() bool { return d.Class != Unreachable && d.Class != Unavailable }

// Alarms reports whether the witness holds evidence that the log was not only appended to.
func (d *Declined) Alarms() bool { return d.Class == RolledBack || d.Class == Inconsistent }
