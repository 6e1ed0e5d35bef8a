package ucr

import (
	"slices"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// board shows how the requests of an incident stand.
type board struct {
	order []string
	seen  map[string]v1alpha1.UserCredentialReset
}

func newBoard(order []string) *board {
	return &board{order: order, seen: map[string]v1alpha1.UserCredentialReset{}}
}

// note notes how a request is now and says whether that changed how many have ended.
func (b *board) note(now change) bool {
	name := now.request.Name
	if !slices.Contains(b.order, name) {
		return false
	}
	request := *now.request
	if now.deleted && request.Status.Outcome == "" {
		request.Status.Outcome = advice.Gone
	}
	before, known := b.seen[name]
	b.seen[name] = request
	return !known || before.Status.Outcome != request.Status.Outcome
}

// rename has a line of the file shown by a request of another name; two lines of one
// request are shown once.
func (b *board) rename(line string, request *v1alpha1.UserCredentialReset) {
	if slices.Contains(b.order, request.Name) {
		b.leave(line)
	}
	if at := slices.Index(b.order, line); at >= 0 {
		b.order[at] = request.Name
	}
	b.note(change{request: request})
}

// leave has a line of the file not shown any more.
func (b *board) leave(line string) {
	b.order = slices.DeleteFunc(b.order, func(name string) bool { return name == line })
}

// replace notes how all requests are now. What is missing has been deleted.
func (b *board) replace(existing []v1alpha1.UserCredentialReset) {
	exists := map[string]bool{}
	for i := range existing {
		exists[existing[i].Name] = true
		b.note(change{request: &existing[i]})
	}
	for name, request := range b.seen {
		if !exists[name] {
			b.note(change{request: &request, deleted: true})
		}
	}
}

func (b *board) has(name string) bool {
	_, known := b.seen[name]
	return known
}

// asked is how many have been asked for.
func (b *board) asked() int { return len(b.seen) }

// done says whether every one has been asked for and has ended.
func (b *board) done() bool { return b.tally().Ended() == len(b.order) }

func (b *board) tally() advice.Tally { return advice.Count(b.list()) }

// list is what was asked for, in the order of the file.
func (b *board) list() []v1alpha1.UserCredentialReset {
	var list []v1alpha1.UserCredentialReset
	for _, name := range b.order {
		if request, known := b.seen[name]; known {
			list = append(list, request)
		}
	}
	return list
}
