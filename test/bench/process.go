package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// usage is what a process has used.
type usage struct {
	cpu    time.Duration
	memory float64 // MiB that it holds of the machine's memory
}

func usageOf(operator *cluster.Operator) (usage, error) {
	cpu, cpuErr := cpuTime(operator)
	memory, memoryErr := residentMemory(operator)
	return usage{cpu, memory}, errors.Join(cpuErr, memoryErr)
}

// residentMemory is what the process holds of the machine's memory, in MiB.
func residentMemory(operator *cluster.Operator) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", operator.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(line, "VmRSS:"); is {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmRSS of process %d", operator.PID())
}

// cpuTime is how long the process has been computing.
func cpuTime(operator *cluster.Operator) (time.Duration, error) {
	const tick = 10 * time.Millisecond // USER_HZ, which is 100 on every platform that Go knows
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", operator.PID()))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, userErr := strconv.Atoi(fields[11])
	system, systemErr := strconv.Atoi(fields[12])
	if userErr != nil || systemErr != nil {
		return 0, fmt.Errorf("unexpected /proc/%d/stat: %s", operator.PID(), text)
	}
	return time.Duration(user+system) * tick, nil
}

// served are the requests of the operator that the API server has answered since the
// stage began, by verb and resource.
func (s *stage) served() (map[string]int, error) {
	file, err := os.Open(s.cluster.AuditLog())
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	counts := map[string]int{}
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return counts, nil // the last line may still be being written
		}
		var event struct {
			Verb string `json:"verb"`
			User struct {
				Username string `json:"username"`
			} `json:"user"`
			ObjectRef struct {
				Resource    string `json:"resource"`
				Subresource string `json:"subresource"`
			} `json:"objectRef"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, err
		}
		if event.User.Username == "system:serviceaccount:"+cluster.SystemNamespace+":"+cluster.ServiceAccount {
			counts[event.Verb+" "+event.ObjectRef.Resource]++
		}
	}
}

// writesOf adds up the writes of requests and records among what the API server
// served.
func writesOf(counts map[string]int) int {
	sum := 0
	for what, count := range counts {
		verb, resource, _ := strings.Cut(what, " ")
		if verb != "get" && verb != "list" && verb != "watch" && (resource == "resetrecords" || resource == "usercredentialresets") {
			sum += count
		}
	}
	return sum
}

// eventsOf counts the events about requests of a namespace, and how often each was
// seen again.
func (s *stage) eventsOf(ctx context.Context, namespace string) (int, error) {
	var events eventsv1.EventList
	if err := s.kube.List(ctx, &events, client.InNamespace(namespace)); err != nil {
		return 0, err
	}
	sum := 0
	for i := range events.Items {
		if event := &events.Items[i]; event.Regarding.Kind == "UserCredentialReset" {
			sum++
			if event.Series != nil {
				sum += int(event.Series.Count) - 1
			}
		}
	}
	return sum, nil
}
