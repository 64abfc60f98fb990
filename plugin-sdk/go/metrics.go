package tollgate

import (
	"sort"
	"time"
)

// Metrics is what the plugin counts and measures. The host puts `tollgate_plugin_` before each name and adds the label `plugin`.
//
// What the host can't record is a warning in its log, never an error. In the trial of a version nothing is recorded. Don't use
// a path, an address or an id as a label's value. Labels may be nil.
var Metrics Recorder

// Recorder is the type of [Metrics].
type Recorder struct{}

// Labels are names and values.
type Labels map[string]string

// Describe describes a metric in the output; call it in the function of [OnStart]. The buckets are upper bounds of a
// histogram's buckets, in ascending order; without any they are the host's.
func (Recorder) Describe(name, help string, buckets ...float64) {
	enter()
	defer leave()
	hostDescribe(name, help, buckets)
}

// Add adds to a counter.
func (Recorder) Add(name string, by float64, labels Labels) { record(addMetric, name, by, labels) }

// Set sets a gauge.
func (Recorder) Set(name string, value float64, labels Labels) {
	record(setMetric, name, value, labels)
}

// Observe records an observation in a histogram.
func (Recorder) Observe(name string, value float64, labels Labels) {
	record(observeMetric, name, value, labels)
}

func record(kind func(name string, value float64, labels []Field), name string, value float64, labels Labels) {
	pairs := make([]Field, 0, len(labels))
	for label, value := range labels {
		pairs = append(pairs, Field{label, value})
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].Name < pairs[j].Name })
	enter()
	defer leave()
	kind(name, value, pairs)
}

// Sleep waits without blocking the host. Unlike [time.Sleep] it stops all goroutines of the plugin. A call of a hook may wait
// at most 120 seconds in all.
func Sleep(duration time.Duration) {
	enter()
	defer leave()
	hostSleep(milliseconds(duration))
}
