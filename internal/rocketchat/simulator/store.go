package simulator

import (
	"slices"
	"strings"
)

// AddUser adds an account, or replaces the one with the same id.
func (w *Workspace) AddUser(u User) {
	u = u.clone()
	if u.Name == "" {
		u.Name = u.Username
	}
	if u.Type == "" {
		u.Type = TypeUser
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.find(u.ID); known != nil {
		*known = u
		return
	}
	w.users = append(w.users, &u)
}

// UpdateUser changes an account in place; an unknown id is ignored.
func (w *Workspace) UpdateUser(id string, f func(*User)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if user := w.find(id); user != nil {
		f(user)
	}
}

// RemoveUser deletes an account.
func (w *Workspace) RemoveUser(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users = slices.DeleteFunc(w.users, func(u *User) bool { return u.ID == id })
}

// User returns a copy of an account, and whether there is one.
func (w *Workspace) User(id string) (User, bool) {
	return w.lookUp(func(u *User) bool { return u.ID == id })
}

// Users returns a copy of every account in the order in which they were added.
func (w *Workspace) Users() []User {
	w.mu.Lock()
	defer w.mu.Unlock()
	users := make([]User, 0, len(w.users))
	for _, user := range w.users {
		users = append(users, user.clone())
	}
	return users
}

// RevokeTokens takes away every token of an account, as an administrator's
// log-out does. It is no entry of the journal's log-outs: no reset caused it.
func (w *Workspace) RevokeTokens(id string) {
	w.UpdateUser(id, func(u *User) { u.Tokens = nil })
}

// find returns the stored account; the lock must be held.
func (w *Workspace) find(id string) *User {
	for _, user := range w.users {
		if user.ID == id {
			return user
		}
	}
	return nil
}

// lookUp returns a copy of the first account that matches.
func (w *Workspace) lookUp(match func(*User) bool) (User, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, user := range w.users {
		if match(user) {
			return user.clone(), true
		}
	}
	return User{}, false
}

// hasUsername matches as the reset routes do: in any case, accents counting.
func hasUsername(username string) func(*User) bool {
	return func(u *User) bool { return u.Username != "" && strings.EqualFold(u.Username, username) }
}

// byIDOrUsername matches as users.info does: exactly, an id before a username.
func (w *Workspace) byIDOrUsername(term string) (User, bool) {
	if user, ok := w.User(term); ok {
		return user, true
	}
	return w.lookUp(func(u *User) bool { return u.Username == term })
}

// hasAddress matches an e-mail address in any case.
func hasAddress(address string) func(*User) bool {
	return func(u *User) bool {
		return slices.ContainsFunc(u.Emails, func(e Email) bool { return strings.EqualFold(e.Address, address) })
	}
}

// may reports whether one of the account's roles holds a permission.
func (w *Workspace) may(userID, permission string) bool {
	user, ok := w.User(userID)
	return ok && slices.ContainsFunc(user.Roles, func(role string) bool {
		return slices.Contains(w.options.Roles[role], permission)
	})
}
