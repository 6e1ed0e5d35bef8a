package advice

import (
	"slices"
	"testing"
	"time"
)

// noon is when these tests play.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// after are the times so long after noon.
func after(waits ...time.Duration) []time.Time {
	var times []time.Time
	for _, wait := range waits {
		times = append(times, noon.Add(wait))
	}
	return times
}

func TestStarts(t *testing.T) {
	t.Parallel()
	twoAMinute := Limit{Count: 2, Period: time.Minute}
	for name, test := range map[string]struct {
		load  Load
		count int
		want  []time.Time
	}{
		"without a limit, all begin at once":            {Load{}, 3, after(0, 0, 0)},
		"nobody is asked for":                           {Load{}, 0, nil},
		"a limiter lets so many begin in each period":   {Load{Limits: []Limit{twoAMinute}}, 5, after(0, 0, time.Minute, time.Minute, 2*time.Minute)},
		"a limit of zero is none":                       {Load{Limits: []Limit{{Period: time.Hour}}}, 3, after(0, 0, 0)},
		"earlier resets count until the period is over": {Load{Limits: []Limit{twoAMinute}, Begun: after(-50*time.Second, -10*time.Second)}, 3, after(10*time.Second, 50*time.Second, 70*time.Second)},
		"earlier resets may be told in any order":       {Load{Limits: []Limit{twoAMinute}, Begun: after(-10*time.Second, -50*time.Second)}, 1, after(10 * time.Second)},
		"what is over does not count":                   {Load{Limits: []Limit{twoAMinute}, Begun: after(-time.Hour, -time.Hour)}, 2, after(0, 0)},
		"who waits already goes first":                  {Load{Limits: []Limit{twoAMinute}, Ahead: 3}, 2, after(time.Minute, 2*time.Minute)},
		"of two limits, the tighter one counts": {
			Load{Limits: []Limit{twoAMinute, {Count: 3, Period: time.Hour}}}, 4, after(0, 0, time.Minute, time.Hour),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.load.Now = noon
			if got := test.load.Starts(test.count); !slices.EqualFunc(got, test.want, time.Time.Equal) {
				t.Errorf("starts %v, want %v", got, test.want)
			}
		})
	}
}

// TestStartsKeepEveryLimit counts, for many loads, how many begin in any period.
func TestStartsKeepEveryLimit(t *testing.T) {
	t.Parallel()
	for _, limiter := range []int{1, 3, 10} {
		for _, budget := range []int{1, 7, 60} {
			limits := []Limit{{Count: limiter, Period: time.Minute}, {Count: budget, Period: time.Hour}}
			starts := Load{Now: noon, Limits: limits}.Starts(100)
			for _, limit := range limits {
				for i := limit.Count; i < len(starts); i++ {
					if gap := starts[i].Sub(starts[i-limit.Count]); gap < limit.Period {
						t.Fatalf("limits %v: starts %d and %d are %v apart", limits, i-limit.Count, i, gap)
					}
				}
			}
			if !slices.IsSortedFunc(starts, time.Time.Compare) {
				t.Fatalf("limits %v: the starts are not in order", limits)
			}
		}
	}
}

func TestForesee(t *testing.T) {
	t.Parallel()
	hourly, ten := Limit{Count: 60, Period: time.Hour}, DefaultLimiter()
	for name, test := range map[string]struct {
		load            Load
		budget, limiter Limit
		wanted          int
		window          time.Duration
		want            Plan
		remedy          string
	}{
		"all fit": {
			Load{},
			hourly, ten, 60, time.Hour,
			Plan{FitBudget: 60, FitLimiter: 60, Fit: 60, Needed: 5*time.Minute + reserve},
			"",
		},
		"the budget is too small for an hour": {
			Load{},
			hourly, ten, 61, time.Hour,
			Plan{FitBudget: 60, FitLimiter: 61, Fit: 60, Needed: time.Hour + reserve},
			"1 of 61 do not fit; with --for 1h30m they would, or with a higher spec.budget, which an administrator of the workspace can set",
		},
		"the limiter is too slow for five minutes": {
			Load{},
			Limit{},
			ten, 70, 5 * time.Minute,
			Plan{FitBudget: 70, FitLimiter: 50, Fit: 50, Needed: 6*time.Minute + reserve},
			"20 of 70 do not fit; with --for 10m they would",
		},
		"no window is long enough for the budget": {
			Load{},
			Limit{Count: 1, Period: 7 * 24 * time.Hour},
			ten, 3, time.Hour,
			Plan{FitBudget: 1, FitLimiter: 3, Fit: 1, Needed: 14*24*time.Hour + reserve},
			"2 of 3 do not fit; have an administrator of the workspace raise spec.budget, or ask for fewer at a time",
		},
		"no window is long enough for the limiter": {
			Load{},
			Limit{},
			Limit{Count: 1, Period: 24 * time.Hour},
			10, time.Hour,
			Plan{FitBudget: 10, FitLimiter: 1, Fit: 1, Needed: 9*24*time.Hour + reserve},
			"9 of 10 do not fit; ask for fewer at a time, or have the operator's account exempted from the limiter",
		},
		"the budget is used up": {
			Load{Begun: after(slices.Repeat([]time.Duration{-time.Minute}, 60)...)},
			hourly, ten, 1, 30 * time.Minute,
			Plan{FitBudget: 0, FitLimiter: 1, Fit: 0, Needed: 59*time.Minute + reserve},
			"1 of 1 do not fit; with --for 1h they would, or with a higher spec.budget, which an administrator of the workspace can set",
		},
		"others go first": {
			Load{Ahead: 60},
			Limit{Count: 600, Period: time.Hour},
			ten, 10, 5 * time.Minute,
			Plan{FitBudget: 10, FitLimiter: 0, Fit: 0, Needed: 6*time.Minute + reserve},
			"10 of 10 do not fit; with --for 10m they would",
		},
		"budget and limiter are as tight": {
			Load{},
			Limit{Count: 10, Period: time.Minute},
			ten, 11, time.Minute,
			Plan{FitBudget: 10, FitLimiter: 10, Fit: 10, Needed: time.Minute + reserve},
			"1 of 11 do not fit; with --for 5m they would, or with a higher spec.budget, which an administrator of the workspace can set",
		},
		"the very last moment does": {
			Load{},
			Limit{},
			ten, 11, time.Minute + reserve,
			Plan{FitBudget: 11, FitLimiter: 11, Fit: 11, Needed: time.Minute + reserve},
			"",
		},
		"each of those who are approved is looked up twice": {
			Load{Twice: true},
			Limit{Count: 600, Period: time.Hour},
			ten, 500, time.Hour,
			Plan{FitBudget: 500, FitLimiter: 100, Fit: 100, Needed: 99*time.Minute + reserve, Approval: true},
			"400 of 500 do not fit; with --for 2h they would if they are approved at once",
		},
		"who goes first is looked up twice, who follows is not": {
			Load{Ahead: 10, LookUps: 10},
			Limit{Count: 600, Period: time.Hour},
			ten, 10, time.Hour,
			Plan{FitBudget: 10, FitLimiter: 10, Fit: 10, Needed: 2*time.Minute + reserve},
			"",
		},
		"a budget counts resets, not calls": {
			Load{Twice: true},
			hourly, ten, 60, time.Hour,
			Plan{FitBudget: 60, FitLimiter: 60, Fit: 60, Needed: 11*time.Minute + reserve, Approval: true},
			"",
		},
		"nobody is looked up while the budget is used up": {
			Load{Twice: true, Begun: after(slices.Repeat([]time.Duration{-time.Minute}, 60)...)},
			hourly, ten, 1, 2 * time.Hour,
			Plan{FitBudget: 1, FitLimiter: 1, Fit: 1, Needed: 59*time.Minute + reserve, Approval: true},
			"",
		},
		"the last moment of a window is kept free": {
			Load{Begun: after(slices.Repeat([]time.Duration{-time.Minute + time.Second*50}, 10)...)},
			Limit{},
			ten, 1, time.Minute,
			Plan{FitBudget: 1, FitLimiter: 0, Fit: 0, Needed: 50*time.Second + reserve},
			"1 of 1 do not fit; with --for 5m they would",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.load.Now = noon
			test.want.Wanted, test.want.Window = test.wanted, test.window
			got := Foresee(test.load, test.budget, test.limiter, test.wanted, test.window)
			if got != test.want {
				t.Errorf("foresees %+v, want %+v", got, test.want)
			}
			if got.Remedy() != test.remedy {
				t.Errorf("remedy %q, want %q", got.Remedy(), test.remedy)
			}
		})
	}
}

// TestTheRemedyIsOne follows the advice and sees that all fit then.
func TestTheRemedyIsOne(t *testing.T) {
	t.Parallel()
	for wanted := 1; wanted < 400; wanted += 7 {
		load, budget := Load{Now: noon}, Limit{Count: 60, Period: time.Hour}
		plan := Foresee(load, budget, DefaultLimiter(), wanted, time.Minute)
		if again := Foresee(load, budget, DefaultLimiter(), wanted, RoundUp(plan.Needed)); !again.AllFit() {
			t.Fatalf("%d are told %v, and then %d fit", wanted, RoundUp(plan.Needed), again.Fit)
		}
	}
}

func TestPlanFacts(t *testing.T) {
	t.Parallel()
	budget := Limit{Count: 600, Period: time.Hour}
	for name, test := range map[string]struct {
		load       Load
		wanted     int
		note       string
		limiterSay string
		fit        string
	}{
		"few":                {Load{}, 6, "", "10 calls per 1m: lets all begin in time", "all 6, at once"},
		"more":               {Load{}, 11, "", "10 calls per 1m: lets all begin in time", "all 11, in about 1m"},
		"in less":            {Load{Begun: after(slices.Repeat([]time.Duration{-40 * time.Second}, 10)...)}, 1, "", "10 calls per 1m: lets all begin in time", "all 1, in about 20s"},
		"not all":            {Load{}, 700, "", "10 calls per 1m: lets 600 of 700 begin in time", "600 of 700"},
		"approval":           {Load{Twice: true}, 500, "", "10 calls per 1m, two for each: before and after approval: lets 100 of 500 begin in time", "100 of 500"},
		"approval, of many":  {Load{Twice: true}, 100, "", "10 calls per 1m, two for each: before and after approval: lets all begin in time", "all 100, in about 19m, and as long as approvals take"},
		"approval, of few":   {Load{Twice: true}, 5, "", "10 calls per 1m, two for each: before and after approval: lets all begin in time", "all 5, as soon as they are approved"},
		"it may not be read": {Load{}, 6, "assumed", "10 calls per 1m, one for each if none needs approval: lets all begin in time", "all 6, at once"},
	} {
		test.load.Now = noon
		said := map[string]string{}
		for _, fact := range PlanFacts(Foresee(test.load, budget, DefaultLimiter(), test.wanted, time.Hour), budget, DefaultLimiter(), test.load, test.note) {
			said[fact.Name] = fact.Value
		}
		if said["limiter"] != test.limiterSay || said["fit"] != test.fit {
			t.Errorf("%s: says %q and %q, want %q and %q", name, said["limiter"], said["fit"], test.limiterSay, test.fit)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", 59 * time.Second: "59s", time.Minute: "1m", time.Hour: "1h",
		90 * time.Minute: "1h30m", 25 * time.Hour: "25h", time.Hour + time.Second: "1h0m",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
