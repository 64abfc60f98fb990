package tollgate

import (
	"encoding/json"
	"fmt"
)

// ID names the exchange in logs; unique for as long as the host runs.
func ID() string {
	enter()
	defer leave()
	return hostText(getID)
}

// ClientAddress is the address and port of the peer on the connection: 127.0.0.1:50312.
func ClientAddress() string {
	enter()
	defer leave()
	return hostText(getClientAddress)
}

// Note is what this plugin or one that ran earlier in the exchange left, and whether there is such a note. The two hooks
// of one exchange may run in two instances, so what the second must know from the first goes into a note. All plugins
// share the notes: begin the key with the plugin's name.
func Note(key string) ([]byte, bool) {
	enter()
	defer leave()
	return hostNote(key)
}

// SetNote leaves a note; an empty one is a note too.
func SetNote(key string, value []byte) {
	enter()
	defer leave()
	hostSetNote(key, value)
}

// settingsFailure is thrown by the functions for settings and becomes the hook's error.
type settingsFailure string

// Setting is a setting of the plugin, and whether it is set. A string is given as it is, anything else as JSON text. If
// the host can't read its settings, the hook ends with that error.
func Setting(key string) (string, bool) {
	enter()
	defer leave()
	return hostSetting(key)
}

// SettingOr is a setting of the plugin, or another value when it is not set.
func SettingOr(key, other string) string {
	if value, ok := Setting(key); ok {
		return value
	}
	return other
}

// RequireSetting is a setting of the plugin, or an error that names it when it is not set.
func RequireSetting(key string) (string, error) {
	value, ok := Setting(key)
	if !ok {
		return "", fmt.Errorf("setting %s is missing", key)
	}
	return value, nil
}

// SettingJSON decodes a setting that is not a string, and says whether it is set.
func SettingJSON(key string, value any) (bool, error) {
	text, ok := Setting(key)
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal([]byte(text), value); err != nil {
		return true, fmt.Errorf("setting %s is %q: %w", key, text, err)
	}
	return true, nil
}

// Settings is every setting by its key.
func Settings() map[string]string {
	enter()
	defer leave()
	return hostSettings()
}

// Level is how much a line of the log matters.
type Level uint8

const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
	LevelCritical
)

// Log writes a line to the host's log, which names it by plugin and exchange. The context says which part of the plugin
// speaks; it may be empty.
func Log(level Level, context, message string) {
	enter()
	defer leave()
	hostLog(level, context, message)
}

// Tracef writes a line of level trace.
func Tracef(format string, arguments ...any) { Log(LevelTrace, "", fmt.Sprintf(format, arguments...)) }

// Debugf writes a line of level debug.
func Debugf(format string, arguments ...any) { Log(LevelDebug, "", fmt.Sprintf(format, arguments...)) }

// Infof writes a line of level info.
func Infof(format string, arguments ...any) { Log(LevelInfo, "", fmt.Sprintf(format, arguments...)) }

// Warnf writes a line of level warn.
func Warnf(format string, arguments ...any) { Log(LevelWarn, "", fmt.Sprintf(format, arguments...)) }

// Errorf writes a line of level error.
func Errorf(format string, arguments ...any) { Log(LevelError, "", fmt.Sprintf(format, arguments...)) }
