package evidence

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/evidence/witnesstest"
)

var vouched = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func witnessKey(t testing.TB, k witnesstest.Key) WitnessKey {
	t.Helper()
	key, err := ParseWitnessKey(k.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// body returns the text of a note, which is what is signed.
func body(signed string) string {
	text, _, _ := strings.Cut(signed, "\n\n")
	return text + "\n"
}

// This cosignature was made by another implementation, github.com/transparency-dev/formats, with a key that is gone.
func TestACosignatureIsReadAsOthersMakeIt(t *testing.T) {
	key, err := ParseWitnessKey("witness.example.com/w1+717fc277+BEuKuguhgm/GktuOVOLy762zr47ZTgQcofdLC62YWEJl")
	if err != nil {
		t.Fatal(err)
	}
	const text = "nsc.example.com/w/acme\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	const cosignature = "— witness.example.com/w1 cX/CdwAAAABrAn5+3bNzgS8UC8iYYtIS0ke+/sVZRUUJevCjTL2EVmwZ8vWg5tQrpugGSEziWa0RELb35L4TNoYwJSTibbudL5NNAQ==\n"
	signed := text + "\n— nsc.example.com/w/acme AAAAAAAA\n"
	line, at, err := key.Cosignature(signed, []byte(cosignature))
	if err != nil || at.Unix() != 0x6b027e7e || line != cosignature {
		t.Fatalf("%q, %s, %v", line, at, err)
	}
	of, list, err := vouches(signed+line, []WitnessKey{key})
	if err != nil || of != text || len(list) != 1 || !list[0].at.Equal(at) || list[0].line != line {
		t.Errorf("%q, %+v, %v", of, list, err)
	}
}

// What a witness may answer with 200, and what of it is believed.
func TestRule27AWitnessIsBelievedByItsKeyAlone(t *testing.T) {
	l, w, other := newLog(t, 9), witnesstest.NewKey("w1"), witnesstest.NewKey("w1") // of the same name
	signed := l.checkpoint(9)
	right := w.Cosign(body(signed), vouched)
	flipped := func(line string) string {
		name, encoded, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "w1 ")
		sig, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		sig[len(sig)-1] ^= 1
		return name + "w1 " + base64.StdEncoding.EncodeToString(sig) + "\n"
	}
	for name, x := range map[string]struct {
		answer string
		want   error
	}{
		"the cosignature":           {right, nil},
		"among others":              {other.Cosign(body(signed), vouched) + right + other.Cosign("x\n", vouched), nil},
		"nothing":                   {"", errAnswerForm},
		"an empty line":             {"\n", errAnswerForm},
		"of another key":            {other.Cosign(body(signed), vouched), errAnswerOthers},
		"the log's own":             {signatureLine + strings.SplitAfter(signed, signatureLine)[1], errAnswerOthers},
		"of another checkpoint":     {w.Cosign(body(l.checkpoint(8)), vouched), errAnswerForged},
		"damaged":                   {flipped(right), errAnswerForged},
		"of no time":                {w.Cosign(body(signed), time.Unix(0, 0)), errAnswerForged},
		"of a time before 1970":     {w.Cosign(body(signed), time.Unix(-1, 0)), errAnswerForged},
		"of a time that is no date": {w.Cosign(body(signed), time.Unix(latestCosignatureTime+1, 0)), errAnswerForged},
		"without its last newline":  {strings.TrimSuffix(right, "\n"), errAnswerForm},
		"with garbage behind":       {right + "hello\n", errAnswerForm},
		"a page":                    {"<html>\n", errAnswerForm},
		"no base64":                 {signatureLine + "w1 ***\n", errAnswerForm},
		"a NUL byte":                {right + signatureLine + "w1\x00 AAAAAAAA\n", errAnswerForm},
		"another note inside":       {"\n" + body(l.checkpoint(8)) + "\n" + w.Cosign(body(l.checkpoint(8)), vouched), errAnswerForm},
		"another note, in lines":    {signatureLine + "\n\n" + right, errAnswerForm},
		"a hundred and one lines":   {strings.Repeat(other.Cosign("x\n", vouched), 101) + right, errAnswerForm},
	} {
		t.Run(name, func(t *testing.T) {
			line, at, err := witnessKey(t, w).Cosignature(signed, []byte(x.answer))
			if !errors.Is(err, x.want) || err == nil && (line != right || !at.Equal(vouched)) {
				t.Errorf("%q, %s, %v", line, at, err)
			}
		})
	}
}

func TestAWitnessKeyIsReadStrictly(t *testing.T) {
	right := witnesstest.NewKey("witness.example.com/w1").Verifier()
	parts := strings.SplitN(right, "+", 3)
	typed := func(key []byte) string {
		return fmt.Sprintf("w1+%08x+%s", keyHash("w1", key), base64.StdEncoding.EncodeToString(key))
	}
	for name, x := range map[string]struct {
		key  string
		want error
	}{
		"as it should be":         {right, nil},
		"nothing":                 {"", errWitnessForm},
		"no key":                  {parts[0] + "+" + parts[1], errWitnessForm},
		"no name":                 {"+" + parts[1] + "+" + parts[2], errWitnessForm},
		"a name with a space":     {"a b+" + parts[1] + "+" + parts[2], errWitnessForm},
		"a name with a control":   {"a\x1b[2J+" + parts[1] + "+" + parts[2], errWitnessForm},
		"a name that is too long": {strings.Repeat("x", 256) + "+" + parts[1] + "+" + parts[2], errWitnessForm},
		"a name in no encoding":   {"\xff+" + parts[1] + "+" + parts[2], errWitnessForm},
		"another name":            {"other+" + parts[1] + "+" + parts[2], errWitnessHash},
		"a short hash":            {parts[0] + "+123+" + parts[2], errWitnessForm},
		"cut off":                 {right[:len(right)-4], errWitnessHash},
		"no base64":               {parts[0] + "+" + parts[1] + "+***", errWitnessForm},
		"a log's":                 {newLog(t, 1).key, errWitnessIsLog},
		"ML-DSA-44":               {typed(append([]byte{6}, make([]byte, 1312)...)), errWitnessPostQuantum},
		"an unknown algorithm":    {typed(append([]byte{9}, make([]byte, 32)...)), errWitnessAlgorithm},
		"a short key":             {typed(append([]byte{4}, make([]byte, 31)...)), errWitnessForm},
	} {
		key, err := ParseWitnessKey(x.key)
		if !errors.Is(err, x.want) || err == nil && key.ID() != parts[0]+"+"+parts[1] {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
}

// A request is as C2SP tlog-witness has it, for every pair of sizes. The witness of the tests checks the proofs.
func TestAWitnessIsShownThatTheLogOnlyGrew(t *testing.T) {
	l := newLog(t, 40)
	for old := range 41 {
		for size := max(old, 1); size <= 40; size++ {
			root := func(n int) tlog.Hash {
				h, err := tlog.TreeHash(int64(n), l.reader())
				if err != nil {
					t.Fatal(err)
				}
				return h
			}
			text, err := WitnessRequest(int64(old), int64(size), l.checkpoint(size), l.reader())
			if err != nil {
				t.Fatal(err)
			}
			head, rest, _ := strings.Cut(text, "\n\n")
			lines := strings.Split(head, "\n")
			if lines[0] != fmt.Sprint("old ", old) || rest != l.checkpoint(size) || len(lines)-1 > MostProofLines {
				t.Fatalf("%q", text)
			}
			var proof tlog.TreeProof
			for _, line := range lines[1:] {
				h, err := tlog.ParseHash(line)
				if err != nil {
					t.Fatal(err)
				}
				proof = append(proof, h)
			}
			if old == 0 && len(proof) > 0 || old > 0 && tlog.CheckTree(proof, int64(size), root(size), int64(old), root(old)) != nil {
				t.Errorf("from %d to %d: %q", old, size, text)
			}
		}
	}
	if _, err := WitnessRequest(9, 8, l.checkpoint(8), l.reader()); err == nil {
		t.Error("a proof that a log shrank was made")
	}
}

func TestAWitnessSizeIsReadStrictly(t *testing.T) {
	for text, want := range map[string]int64{
		"0\n": 0, "7\n": 7, "9223372036854775807\n": 1<<63 - 1,
		"": -1, "7": -1, "07\n": -1, "+7\n": -1, "-7\n": -1, " 7\n": -1, "7\n\n": -1, "7\r\n": -1, "9223372036854775808\n": -1, "seven\n": -1,
	} {
		if size, err := ParseWitnessSize([]byte(text)); (err == nil) != (want >= 0) || err == nil && size != want {
			t.Errorf("%q: %d, %v", text, size, err)
		}
	}
}

// Whatever a witness answers, what is taken of it is a line that its key made over the checkpoint that it was sent.
func FuzzWitnessAnswer(f *testing.F) {
	key, err := ParseWitnessKey("witness.example.com/w1+d42c883f+BN0IGgMT8kwwKgfh8aRbikwB6HF/ZL6Ue5vcBl6/1zuA")
	if err != nil {
		f.Fatal(err)
	}
	const text = "nsc.example.com/w/acme\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	const signed = text + "\n— nsc.example.com/w/acme Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
	f.Fuzz(func(t *testing.T, answer []byte) {
		if size, err := ParseWitnessSize(answer); err == nil && (size < 0 || fmt.Sprintf("%d\n", size) != string(answer)) {
			t.Fatalf("%q is read as %d", answer, size)
		}
		line, at, err := key.Cosignature(signed, answer)
		if err != nil {
			return
		}
		sig, _ := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(line, "— witness.example.com/w1 "), "\n"))
		if len(sig) != 4+cosignatureSize || !key.Verify([]byte(text), sig[4:]) || at.Unix() <= 0 || !bytes.Contains(answer, []byte(line)) {
			t.Fatalf("%q is believed", line)
		}
		if c, err := ParseCheckpoint(body(signed + line)); err != nil || c.Size != 42 {
			t.Fatalf("%q makes another checkpoint: %+v", line, c)
		}
	})
}
