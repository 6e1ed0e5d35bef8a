package ucr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// askOptions are the flags of all that asks for a reset.
type askOptions struct {
	output        output
	window        windowFlag
	justification string
	name          string
	wait          bool
	timeout       time.Duration
	print         bool
	dryRun        dryRun
	yes           bool
}

func newAskOptions() *askOptions {
	return &askOptions{output: newOutput("created"), window: windowFlag{duration: time.Hour}, dryRun: dryRunNone}
}

// addTo adds the flags that mean the same everywhere.
func (o *askOptions) addTo(command *cobra.Command) {
	flags := command.Flags()
	flags.Var(&o.window, "for", "How long from now the reset may be carried out; at most 168h.")
	flags.StringVar(&o.name, "name", "", "The name of the request; by default it is made from user, type and time.")
	flags.DurationVar(&o.timeout, "timeout", 0, "How long to wait; by default until the reset has ended.")
	flags.BoolVar(&o.print, "print", false, "Print the request as YAML, for Git, and ask for nothing.")
	o.dryRun.addTo(command)
	o.output.addTo(command)
}

// validate finds flags that do not go together.
func (o *askOptions) validate() error {
	if o.print && o.dryRun.isOn() {
		return errors.New("--print asks for nothing: leave --dry-run out")
	}
	return nil
}

// resetOptions are the flags of reset.
type resetOptions struct {
	*askOptions

	workspace          string
	workspaceNamespace string
	file               string
	incident           string
	callsPerMinute     int
}

func (p *plugin) resetCommand() *cobra.Command {
	o := &resetOptions{askOptions: newAskOptions()}
	command := &cobra.Command{
		Use:   "reset (totp|e2e-key) (USER | --from-file FILE) -w WORKSPACE",
		Short: "Ask for the reset of a user's second factor or encryption keys, or of many users'",
		Long: "Ask for the reset of a user's TOTP second factor or end-to-end encryption keys.\n\n" +
			"USER is a username in its exact spelling, or id:ID. With --from-file, which has a user a line, everybody in the " +
			"file is asked for as one incident: the names of the requests are made from the incident and the user, so that " +
			"the same command can be run again, after an interruption or with more users, and asks for nobody twice, however " +
			"they are written. Who may be somebody who was asked for already is held back until that is known.",
		Example: "  kubectl ucr reset totp alice -w chat --workspace-namespace chat --justification TICKET-4711 --wait\n" +
			"  kubectl ucr reset e2e-key id:aXk9mQ2tRw7LcE4Zd -w chat --print >alice.yaml\n" +
			"  kubectl ucr reset totp --from-file users.txt -w chat --for 6h --incident breach-2026-03 --dry-run=server\n" +
			"  kubectl ucr reset totp --from-file users.txt -w chat --for 6h --incident breach-2026-03",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: completeTypes,
		RunE: func(command *cobra.Command, args []string) error {
			return p.reset(command.Context(), o, args, command.Flags().Changed("wait"))
		},
	}
	o.addTo(command)
	flags := command.Flags()
	flags.StringVarP(&o.workspace, "workspace", "w", "", "The RocketChatWorkspace that the user belongs to.")
	flags.StringVar(&o.workspaceNamespace, "workspace-namespace", "", "The namespace of the workspace; by default that of the request.")
	flags.StringVar(&o.justification, "justification", "", "Why: a ticket number. It goes into the record and the audit log.")
	flags.StringVar(&o.file, "from-file", "", "A file with a user a line; - reads the standard input.")
	flags.StringVar(&o.incident, "incident", "", "The name of the incident that --from-file is about; by default that of the file. A name of its own for every incident: nobody is reset twice under one.")
	flags.IntVar(&o.callsPerMinute, "calls-per-minute", advice.DefaultLimiter().Count, "What Rocket.Chat's limiter lets pass, for the forecast; 0 if the account is exempt.")
	flags.BoolVar(&o.wait, "wait", false, "Wait until the reset has ended, and exit as wait does. With --from-file this is the default.")
	flags.BoolVarP(&o.yes, "yes", "y", false, "Go on although not all resets fit.")
	must(command.MarkFlagRequired("workspace"))
	must(command.RegisterFlagCompletionFunc("workspace", p.workspaceNames(func() string { return o.workspaceNamespace })))
	must(command.RegisterFlagCompletionFunc("workspace-namespace", noFiles))
	return command
}

// must is for errors that only a mistake in the plugin itself can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func completeTypes(command *cobra.Command, typed []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(typed) > 0 {
		return noFiles(command, typed, "")
	}
	return []string{"totp\tthe second factor", "e2e-key\tthe end-to-end encryption keys"}, cobra.ShellCompDirectiveNoFileComp
}

// windowFlag is a duration that a request may have as its window.
type windowFlag struct{ duration time.Duration }

// String implements pflag.Value.
func (w *windowFlag) String() string { return advice.Span(w.duration) }

// Type implements pflag.Value.
func (*windowFlag) Type() string { return "duration" }

// Set implements pflag.Value.
func (w *windowFlag) Set(text string) error {
	duration, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return errors.New("say it in hours and minutes, such as 8h or 1h30m")
	case duration < time.Minute:
		return errors.New("a window is a minute at least")
	case duration > reset.MaxValidity:
		return errors.New("a window is seven days (168h) at most")
	}
	w.duration = duration
	return nil
}

func (p *plugin) reset(ctx context.Context, o *resetOptions, args []string, waitGiven bool) error {
	resetType, err := advice.ParseType(args[0])
	if err != nil {
		return err
	}
	if err := o.validateFor(args); err != nil {
		return err
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	wish := advice.Wish{
		Namespace: c.namespace,
		Workspace: v1alpha1.WorkspaceReference{Name: o.workspace, Namespace: o.workspaceNamespace},
		Type:      resetType, NotAfter: p.now().Add(o.window.duration), Justification: o.justification,
	}
	if !o.print {
		wish.RequestedBy = c.ownName(ctx)
	}
	if o.file != "" {
		o.wait = o.wait || !waitGiven
		return p.resetMany(ctx, c, o, wish)
	}
	if wish.User, err = advice.ParseUser(args[1]); err != nil {
		return err
	}
	return p.resetOne(ctx, c, o.askOptions, wish)
}

// validateFor finds flags that do not go together, or not with the arguments.
func (o *resetOptions) validateFor(args []string) error {
	switch {
	case o.file != "" && len(args) > 1:
		return errors.New("name a user or a file, not both")
	case o.file != "" && o.name != "":
		return errors.New("--name is for one user: the requests of a file are named by --incident and user")
	case o.file == "" && len(args) < 2:
		return errors.New("name a user, or a file with users with --from-file")
	}
	return o.validate()
}

func (p *plugin) resetOne(ctx context.Context, c *cluster, o *askOptions, wish advice.Wish) error {
	name := o.name
	if name == "" {
		name = wish.NameAt(p.now())
	}
	request := wish.Request(name)
	if o.print {
		return p.printManifests(request)
	}
	return p.askFor(ctx, c, o, request)
}

// askFor creates the request and waits for it if it is to.
func (p *plugin) askFor(ctx context.Context, c *cluster, o *askOptions, request *v1alpha1.UserCredentialReset) error {
	if err := o.dryRun.create(ctx, c, request); err != nil {
		return err
	}
	if o.dryRun.isOn() {
		return p.sayCreated(o, request)
	}
	if !o.wait || !o.output.isForPrograms() { // a program gets the request once, as it ends
		if err := p.sayCreated(o, request); err != nil || !o.wait {
			return err
		}
	}
	return p.awaitOne(ctx, c, request.Name, o.timeout, o.output)
}

func (p *plugin) sayCreated(o *askOptions, request *v1alpha1.UserCredentialReset) error {
	if o.output.isForPrograms() {
		return o.output.print(request, p.streams.Out)
	}
	_, err := fmt.Fprintf(p.streams.Out, "usercredentialreset.credentialreset.dev/%s created%s; void after %s\n",
		request.Name, o.dryRun.remark(), request.Spec.NotAfterTime.UTC().Format(time.RFC3339))
	return err
}

// printManifests prints requests as they would be kept in Git: who applies them
// is not known yet, and the status is not theirs.
func (p *plugin) printManifests(requests ...*v1alpha1.UserCredentialReset) error {
	var documents []string
	for _, request := range requests {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(request)
		if err != nil {
			return err
		}
		delete(content, "status")
		unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")
		text, err := yaml.Marshal(content)
		if err != nil {
			return err
		}
		documents = append(documents, string(text))
	}
	_, err := fmt.Fprint(p.streams.Out, strings.Join(documents, "---\n"))
	return err
}
