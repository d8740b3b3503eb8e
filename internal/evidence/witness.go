package evidence

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A witness is asked by C2SP tlog-witness: it keeps the newest checkpoint of a log that it has cosigned, and cosigns a later
// one where a proof shows that the log only grew. What goes there and comes back is text, which these functions make and
// read; they do not call anybody.

// MostProofLines is how many hashes a consistency proof may have.
const MostProofLines = 63

var errProofLines = errors.New("evidence: a consistency proof of more lines than a witness takes")

// WitnessRequest returns the body that asks a witness to cosign a checkpoint of a size, with the proof that it extends the
// log of the size that the witness has.
func WitnessRequest(old, size int64, signed string, hashes tlog.HashReader) (string, error) {
	var proof tlog.TreeProof
	if old > 0 {
		var err error
		if proof, err = tlog.ProveTree(size, old, hashes); err != nil {
			return "", err
		}
	}
	if len(proof) > MostProofLines {
		return "", errProofLines
	}
	var b strings.Builder
	b.WriteString("old " + strconv.FormatInt(old, 10) + "\n")
	for _, h := range proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n" + signed)
	return b.String(), nil
}

// ParseWitnessSize reads the answer of a witness that has another size than it was told.
func ParseWitnessSize(answer []byte) (int64, error) {
	text, ended := strings.CutSuffix(string(answer), "\n")
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !ended || size < 0 || strconv.FormatInt(size, 10) != text {
		return 0, errors.New("evidence: not the size of a log")
	}
	return size, nil
}

var (
	errAnswerForm   = errors.New("the answer is not lines of signatures")
	errAnswerForged = errors.New("the answer's signature by the witness's key is not one of this checkpoint")
	errAnswerOthers = errors.New("no signature in the answer is by the witness's key")
)

// Cosignature returns the line of a witness's answer that its key made over a checkpoint, and when. Lines of other keys are
// ignored, as C2SP tlog-witness demands.
func (k WitnessKey) Cosignature(signed string, answer []byte) (line string, at time.Time, err error) {
	for line := range strings.Lines(string(answer)) {
		if !strings.HasPrefix(line, signatureLine) || !strings.HasSuffix(line, "\n") { // an empty line would begin another note
			return "", time.Time{}, errAnswerForm
		}
	}
	text, _, ok := strings.Cut(signed, "\n\n")
	if !ok || len(answer) == 0 {
		return "", time.Time{}, errAnswerForm
	}
	of, list, err := vouches(text+"\n\n"+string(answer), []WitnessKey{k})
	var forged *note.InvalidSignatureError
	switch {
	case errors.As(err, &forged):
		return "", time.Time{}, errAnswerForged
	case err != nil:
		return "", time.Time{}, errAnswerForm
	case len(list) == 0 || of != text+"\n":
		return "", time.Time{}, errAnswerOthers
	}
	return list[0].line, list[0].at, nil
}
