package cli

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// errTwice says nothing of the values: one may be a token.
var errTwice = errors.New("is given twice")

// once is the value of a flag that has one. Given twice it would be silently the last: who asks for tokens for two
// audiences must not go on with a token for one of them (rule 32).
type once struct {
	pflag.Value
	given bool
}

// Set takes the value, of which there is one.
func (o *once) Set(text string) error {
	if o.given {
		return errTwice
	}
	o.given = true
	return o.Value.Set(text)
}

// onlyOnce refuses the repetition of a flag with one value, for a command and those below it. A switch may be repeated.
func onlyOnce(cmd *cobra.Command) {
	wrap := func(f *pflag.Flag) {
		_, several := f.Value.(pflag.SliceValue)
		if _, wrapped := f.Value.(*once); !several && !wrapped && f.NoOptDefVal == "" {
			f.Value = &once{Value: f.Value}
		}
	}
	cmd.PersistentFlags().VisitAll(wrap)
	cmd.Flags().VisitAll(wrap)
	for _, below := range cmd.Commands() {
		onlyOnce(below)
	}
}
