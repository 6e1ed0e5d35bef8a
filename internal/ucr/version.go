package ucr

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is the version that the linker stamped, or else that of the module.
func Version(linked string) string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func (p *plugin) versionCommand() *cobra.Command {
	var as format
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the plugin's version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return as.print(map[string]string{"version": p.version}, p.streams.Out, func() error {
				_, err := fmt.Fprintln(p.streams.Out, p.version)
				return err
			})
		},
	}
	as.addTo(command)
	return command
}
