package evidence

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Witnessed is up to where a witness vouches for a log: at that time it knew no longer one, and this one had only grown
// since the witness saw it first.
type Witnessed struct {
	Witness string    `json:"witness"` // name and hash of its key
	Size    int64     `json:"size"`
	Time    time.Time `json:"time"`
}

// kept is a checkpoint of this log that the export is held against.
type kept struct {
	Checkpoint
	outside bool // it was kept elsewhere than in the export
	by      []vouch
}

// kept returns the checkpoints that came with the export, and those that were kept elsewhere.
func (v *verification) kept(in Input) (list []kept) {
	keys := distinct(in.Witnesses)
	if c, err := OpenCheckpoint(v.Checkpoint, v.verifier); err == nil { // else judgeOwn says so
		if by := v.vouches(v.Checkpoint, c, keys); len(by) > 0 {
			list = append(list, kept{Checkpoint: c, by: by})
		}
	}
	for _, signed := range v.Cosigned {
		c, err := OpenCheckpoint(signed, v.verifier)
		if err != nil {
			v.find(-1, "", "a cosigned checkpoint in the export is not one of %s: %v", v.verifier.Name(), err)
			continue
		}
		list = append(list, kept{Checkpoint: c, by: v.vouches(signed, c, keys)})
	}
	for _, signed := range SplitNotes(in.Outside) {
		if c, ok := v.outside(signed); ok {
			list = append(list, kept{c, true, v.vouches(signed, c, keys)})
		}
	}
	return list
}

func distinct(keys []WitnessKey) (list []WitnessKey) {
	seen := map[WitnessKey]bool{}
	for _, k := range keys {
		if !seen[k] {
			list = append(list, k)
		}
		seen[k] = true
	}
	return list
}

// outside reads a checkpoint that was kept elsewhere. It may be of another log, which says nothing of this one.
func (v *verification) outside(signed string) (c Checkpoint, ok bool) {
	c, err := OpenCheckpoint(signed, v.verifier)
	if err == nil {
		return c, true
	}
	var unsigned *note.UnverifiedNoteError
	if errors.As(err, &unsigned) { // by another key: another log's, unless it says that it is of this one
		if other, parseErr := ParseCheckpoint(unsigned.Note.Text); parseErr == nil && other.Origin != v.Origin {
			return Checkpoint{}, false
		}
	}
	v.find(-1, "", "a checkpoint that was kept outside is not signed by %s: %v", v.verifier.Name(), err)
	return Checkpoint{}, false
}

// vouches returns which witnesses cosigned a checkpoint.
func (v *verification) vouches(signed string, c Checkpoint, keys []WitnessKey) []vouch {
	_, list, err := vouches(signed, keys)
	var forged *note.InvalidSignatureError
	switch {
	case errors.As(err, &forged):
		v.find(-1, "", "the checkpoint of %d events has a cosignature in the name of %s that is none: it was forged, or changed", c.Size, forged.Name)
	case err != nil:
		v.find(-1, "", "the cosignatures of the checkpoint of %d events cannot be read: %v", c.Size, err)
	}
	return list
}

// judgeKept holds the tree against the other checkpoints (rule 27).
func (v *verification) judgeKept(list []kept, in Input) {
	var covered, beyond, before int64
	for _, k := range list {
		switch {
		case k.Size > v.frontier.Size() && k.outside:
			beyond++
		case k.Size > v.Report.To:
			v.find(-1, "", "%s, and the export has only %d: it was cut, or the log was rolled back", k, v.Report.To)
		case k.Size > v.frontier.Size(): // what is missing was found before
		case !v.passed(k.Size):
			before++
		case v.roots[k.Size] != k.Root:
			v.find(-1, "", "%s with another root: the log was rewritten before event %d", k, k.Size)
		case k.outside:
			covered = max(covered, k.Size)
		}
	}
	if beyond > 0 {
		v.unproved("%d checkpoints kept outside are of a longer log than this export: export again", beyond)
	}
	if before > 0 {
		v.unproved("%d checkpoints are of before this export's first event: export from an earlier one", before)
	}
	if covered > 0 {
		v.proved("events up to %d are those of a checkpoint that was kept outside", covered-1)
	}
	for _, key := range distinct(in.Witnesses) {
		covered = max(covered, v.judgeWitness(key, list))
	}
	v.conclude(covered, in)
}

// String begins a sentence about what somebody else knows of the log.
func (k kept) String() string {
	switch {
	case len(k.by) > 0:
		return fmt.Sprintf("%s vouched at %s for a log of %d events", k.by[0].witness.ID(), k.by[0].at.Format(time.RFC3339), k.Size)
	case k.outside:
		return fmt.Sprintf("a checkpoint that was kept outside is of %d events", k.Size)
	}
	return fmt.Sprintf("a cosigned checkpoint in the export is of %d events", k.Size)
}

// judgeWitness says up to where a witness vouches for these events, and returns that.
func (v *verification) judgeWitness(key WitnessKey, list []kept) int64 {
	var most Witnessed
	found := false
	for _, k := range list {
		for _, by := range k.by {
			if by.witness != key {
				continue
			}
			found = true
			if v.passed(k.Size) && v.roots[k.Size] == k.Root && k.Size > most.Size {
				most = Witnessed{key.ID(), k.Size, by.at}
			}
		}
	}
	switch {
	case most.Size > 0:
		v.Witnessed = append(v.Witnessed, most)
		v.proved("events up to %d are those that %s vouched for at %s", most.Size-1, most.Witness, most.Time.Format(time.RFC3339))
	case found:
		v.unproved("%s vouches for none of these events: what it cosigned is of others", key.ID())
	default:
		v.unproved("%s vouches for none of these events: no checkpoint here has its cosignature", key.ID())
	}
	return most.Size
}

// conclude says what nothing outside covers.
func (v *verification) conclude(covered int64, in Input) {
	rest := v.Report.To - covered
	switch {
	case covered > 0 && rest > 0:
		v.unproved("the last %d events are consistent with the export itself only: nothing that was kept outside covers them", rest)
	case covered > 0:
	case in.Outside != "":
		v.unproved("no checkpoint that was kept outside is of these events: the export is consistent with itself only")
	case len(in.Witnesses) > 0:
		v.unproved("no witness vouches for these events: the export is consistent with itself only")
	default:
		v.unproved("the export is consistent with itself only: whoever had the database and its keys may have made another log; " +
			"give a checkpoint that was kept outside (--checkpoint) or the key of a witness (--witness-key)")
	}
	if len(v.Cosigned) > 0 && len(in.Witnesses) == 0 {
		v.unproved("whether witnesses vouch for it: the export has cosignatures, and no key of a witness was given (--witness-key)")
	}
}
