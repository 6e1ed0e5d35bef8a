package ucr

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// output is the flag -o, which programs use; without it, people read.
type output struct {
	flags *genericclioptions.PrintFlags
}

func newOutput(operation string) output {
	return output{flags: genericclioptions.NewPrintFlags(operation)}
}

func (o output) addTo(command *cobra.Command) { o.flags.AddFlags(command) }

// isForPrograms says whether -o was given.
func (o output) isForPrograms() bool {
	return o.flags.OutputFormat != nil && *o.flags.OutputFormat != ""
}

func (o output) print(object runtime.Object, out io.Writer) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	printer, err := o.flags.WithTypeSetter(scheme).ToPrinter()
	if err != nil {
		return err
	}
	return printer.PrintObj(object, out)
}

// printList prints objects as kubectl get does: name by name, or as one list.
func (o output) printList(objects []v1alpha1.UserCredentialReset, out io.Writer) error {
	if *o.flags.OutputFormat == "name" {
		for i := range objects {
			if err := o.print(&objects[i], out); err != nil {
				return err
			}
		}
		return nil
	}
	list := &corev1.List{}
	for i := range objects {
		objects[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("UserCredentialReset"))
		list.Items = append(list.Items, runtime.RawExtension{Object: &objects[i]})
	}
	return o.print(list, out)
}

// format is -o of commands that tell something which is no object.
type format string

func (f *format) addTo(command *cobra.Command) {
	command.Flags().StringVarP((*string)(f), "output", "o", "", "Output format. One of: (json, yaml).")
}

// print prints the value for programs, or else for people.
func (f *format) print(value any, out io.Writer, forPeople func() error) error {
	switch *f {
	case "":
		return forPeople()
	case "json", "yaml":
	default:
		return fmt.Errorf("%q is no output format of this command: say json or yaml", string(*f))
	}
	text, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	if *f == "json" {
		if text, err = yaml.YAMLToJSON(text); err != nil {
			return err
		}
		text = append(text, '\n')
	}
	_, err = out.Write(text)
	return err
}

// table prints rows under a header, in columns.
func table(out io.Writer, header []string, rows [][]string) error {
	writer := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		if _, err := fmt.Fprintln(writer, strings.TrimRight(strings.Join(row, "\t"), "\t ")); err != nil {
			return err
		}
	}
	return writer.Flush()
}
