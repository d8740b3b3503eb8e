package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/failure"
)

type verifyOptions struct {
	checkpoint, key string
	witnesses       []string // verifier keys, or files of them
}

func (p *program) auditVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use: "verify EXPORT [OLDER-EXPORT]", Short: "Verify an export of the record, offline",
		Long: `Verify what nsc audit export printed, without a server: each event against its leaf, the leaves against the checkpoint, and the checkpoint's signature. An event that was changed, dropped, reordered or inserted is named where that can be told. With an older export it proves that this one extends it; with checkpoints that were kept outside, that the log was not rewritten since; with the key of a witness, up to which event and at what time he vouched for it. It says what it could not prove.

Exits with 1 where something is wrong with the export.`,
		Example: `nsc audit verify prod.jsonl
nsc audit verify prod.jsonl prod-of-january.jsonl --checkpoint checkpoints.txt --key "$(cat prod.vkey)"
nsc audit verify prod.jsonl --key "$(cat prod.vkey)" --witness-key witness.vkey`,
		Args: exportArguments,
		RunE: func(_ *cobra.Command, args []string) error { return p.auditVerify(o, args) },
	}
	cmd.Flags().StringVar(&o.checkpoint, "checkpoint", "", "`file` of signed checkpoints that were kept outside of the server")
	cmd.Flags().StringVar(&o.key, "key", "", "verifier `key` of the log, as nsc audit key prints it (default: the export's own word)")
	cmd.Flags().StringArrayVar(&o.witnesses, "witness-key", nil, "verifier `key` of a witness whose cosignatures count, or a file of such keys; may repeat")
	return cmd
}

func exportArguments(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return failure.Misuse(cmd.CommandPath()+" takes an argument and none is given", "name the export's file: nsc audit verify EXPORT [OLDER-EXPORT]")
	case 1, 2:
		return nil
	}
	return failure.Misuse("more than two exports are named", "%s", seeHelp(cmd))
}

func (p *program) auditVerify(o verifyOptions, args []string) error {
	witnesses, err := witnessKeys(o.witnesses)
	if err != nil {
		return err
	}
	in := evidence.Input{Key: o.key, Witnesses: witnesses}
	for i, to := range []*io.Reader{&in.Export, &in.Older}[:len(args)] {
		f, err := os.Open(args[i])
		if err != nil {
			return failure.Wrap(failure.Failed, err, err.Error(), "name the file of an export")
		}
		defer f.Close()
		*to = f
	}
	if o.checkpoint != "" {
		text, err := os.ReadFile(o.checkpoint)
		if err != nil {
			return failure.Wrap(failure.Failed, err, err.Error(), "name the file that the checkpoints were published to")
		}
		in.Outside = string(text)
	}
	report, err := evidence.Verify(in)
	if err != nil {
		return failure.Wrap(failure.Failed, err, args[0]+": "+err.Error(), "name what nsc audit export printed, as it printed it")
	}
	if err := p.print(report, func(w io.Writer) { writeVerification(w, report) }); err != nil {
		return err
	}
	if !report.OK() {
		return failure.Silent
	}
	return nil
}

func writeVerification(w io.Writer, r *evidence.Report) {
	fmt.Fprintf(w, "%s, events %d to %d, %d of them erased\n", shown(r.Origin), r.From, r.To-1, r.Erased)
	for _, f := range r.Findings {
		fmt.Fprintln(w, "WRONG   ", shown(f.String()))
	}
	if r.More > 0 {
		fmt.Fprintf(w, "WRONG    and %d more\n", r.More)
	}
	for _, text := range r.Proved {
		fmt.Fprintln(w, "proved  ", text)
	}
	for _, text := range r.Unproved {
		fmt.Fprintln(w, "unproved", text)
	}
}

// witnessKeys returns the keys that are given, and those in the files that are named.
func witnessKeys(values []string) (list []evidence.WitnessKey, err error) {
	for _, value := range values {
		lines := []string{value}
		if !strings.Contains(value, "+") || isFile(value) {
			text, err := os.ReadFile(value)
			if err != nil {
				return nil, failure.Wrap(failure.Failed, err, err.Error(), "--witness-key takes a verifier key, or the name of a file with one on each line")
			}
			if lines = strings.Fields(string(text)); len(lines) == 0 {
				return nil, failure.New(failure.Failed, value+" has no key in it", "put a witness's verifier key on each line")
			}
		}
		for _, line := range lines {
			key, err := evidence.ParseWitnessKey(line)
			if err != nil {
				return nil, failure.Wrap(failure.Failed, err, fmt.Sprintf("--witness-key: %q %v", line, err), "give the verifier key that the witness's operator publishes")
			}
			list = append(list, key)
		}
	}
	return list, nil
}

func isFile(name string) bool {
	s, err := os.Stat(name)
	return err == nil && s.Mode().IsRegular()
}
