package controllers

import (
	"errors"
	"sync"
)

// atOnce does things that do not depend on each other at the same time, and returns
// their errors. A panic of one of them is the caller's.
func atOnce(tasks ...func() error) error {
	errs, panics := make([]error, len(tasks)), make([]any, len(tasks))
	var group sync.WaitGroup
	for i, task := range tasks {
		group.Go(func() {
			defer func() { panics[i] = recover() }()
			errs[i] = task()
		})
	}
	group.Wait()
	for _, cause := range panics {
		if cause != nil {
			panic(cause)
		}
	}
	return errors.Join(errs...)
}

// inTurn does them one after the other, until one fails.
func inTurn(tasks ...func() error) error {
	for _, task := range tasks {
		if err := task(); err != nil {
			return err
		}
	}
	return nil
}
