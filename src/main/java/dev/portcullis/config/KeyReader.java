package dev.portcullis.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueType;
import java.lang.module.ModuleDescriptor.Version;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Reads single settings and their bounds. Every key that was read counts as known; every other one is
 * refused.
 */
final class KeyReader {
  /** One identifier in a name: what may stand in a session key, a log line and a metric without quoting. */
  private static final Predicate<String> NAME = name -> name.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

  private final Config root;
  private final Set<String> known = new HashSet<>();

  KeyReader(Config root) {
    this.root = root;
  }

  static boolean isName(String text) {
    return NAME.test(text);
  }

  /** One entry per name below {@code key}; the reader is given the name and the whole key of the entry. */
  <T> Map<String, T> named(String key, BiFunction<String, String, T> entry) {
    var result = new LinkedHashMap<String, T>();
    for (var name : read(key, "an object", root::getObject).keySet()) {
      if (!isName(name)) {
        throw ConfigFault.of(key, "\"" + name + "\" is not a name (letters, digits, _ . -; at most 64)");
      }
      var path = key + "." + ConfigUtil.joinPath(name);
      read(path, "an object", root::getObject);
      result.put(name, entry.apply(name, path));
    }
    return result;
  }

  /**
   * Objects of a list, each with the key it has in messages. The reader must refuse what it does not know.
   */
  <T> List<T> listed(String key, Function<KeyReader, T> entry) {
    return read(key, "a list of objects", root::getConfigList).stream()
        .map(item -> {
          var reader = new KeyReader(item.atPath(key));
          var value = entry.apply(reader);
          reader.refuseUnknown(key);
          return value;
        })
        .toList();
  }

  /** Texts by name, empty ones allowed. */
  Map<String, String> environment(String key) {
    var env = new LinkedHashMap<String, String>();
    for (var name : read(key, "an object of texts", root::getObject).keySet()) {
      env.put(name, read(key + "." + ConfigUtil.joinPath(name), "a text", root::getString));
    }
    return env;
  }

  <T> T optional(String key, Function<String, T> reader, T absent) {
    known.add(key);
    return root.hasPath(key) ? reader.apply(key) : absent;
  }

  /** Whether there are settings below {@code key}, rather than a value or nothing at it. */
  boolean isObject(String key) {
    return root.hasPath(key) && root.getValue(key).valueType() == ConfigValueType.OBJECT;
  }

  <E extends Enum<E>> E constant(String key, Class<E> type, E absent) {
    var words = Arrays.stream(type.getEnumConstants())
        .map(constant -> constant.name().toLowerCase(Locale.ROOT))
        .toArray(String[]::new);
    return optional(key, path -> Enum.valueOf(type, oneOf(path, words).toUpperCase(Locale.ROOT)), absent);
  }

  String oneOf(String key, String... words) {
    var word = text(key);
    if (!List.of(words).contains(word)) {
      throw ConfigFault.of(key, "must be " + String.join(" | ", words));
    }
    return word;
  }

  String text(String key) {
    var text = read(key, "a text", root::getString);
    if (text.isBlank()) {
      throw ConfigFault.of(key, "must not be empty");
    }
    return text;
  }

  /** A text that a program can't take for one of its options. */
  String argument(String key) {
    var text = text(key);
    if (text.startsWith("-") || text.chars().anyMatch(Character::isISOControl)) {
      throw ConfigFault.of(key, "must not begin with - and must be one line: it becomes an argument");
    }
    return text;
  }

  /** A version of three numbers, not older than {@code least}. */
  String version(String key, String least) {
    var version = text(key);
    if (!version.matches("\\d{1,9}\\.\\d{1,9}\\.\\d{1,9}")
        || Version.parse(version).compareTo(Version.parse(least)) < 0) {
      throw ConfigFault.of(key, "must be a version such as " + least + ", and not an older one");
    }
    return version;
  }

  List<String> someOf(String key, String... words) {
    var some = texts(key);
    if (!List.of(words).containsAll(some)) {
      throw ConfigFault.of(key, "must be a list of " + String.join(" | ", words));
    }
    return some;
  }

  String maybeEmpty(String key) {
    return read(key, "a text", root::getString);
  }

  boolean flag(String key) {
    return read(key, "true or false", root::getBoolean);
  }

  /** A list of texts, or one text with commas between: what an environment variable can hold. */
  List<String> words(String key) {
    return read(key, "a list of texts", path -> root.getValue(path).valueType() == ConfigValueType.STRING
        ? Arrays.stream(root.getString(path).split(",")).map(String::strip).filter(word -> !word.isEmpty())
            .toList()
        : root.getStringList(path));
  }

  List<String> texts(String key) {
    return read(key, "a list of texts", root::getStringList);
  }

  int number(String key, int least, int most) {
    double number = read(key, "a whole number", root::getDouble);
    if (number != Math.rint(number)) {
      throw ConfigFault.of(key, "must be a whole number");
    }
    if (number < least || number > most) {
      throw ConfigFault.of(key, "must be " + least + " to " + most);
    }
    return (int) number;
  }

  long size(String key, long least, long most) {
    long bytes = read(key, "a size such as 4MiB", root::getBytes);
    if (bytes < least || bytes > most) {
      throw ConfigFault.of(key, "must be " + least + " to " + most + " bytes, not " + bytes);
    }
    return bytes;
  }

  Duration duration(String key) {
    var duration = read(key, "a duration such as 30s", root::getDuration);
    if (duration.isNegative()) {
      throw ConfigFault.of(key, "must not be negative");
    }
    return duration;
  }

  Duration positive(String key) {
    var duration = duration(key);
    if (duration.isZero()) {
      throw ConfigFault.of(key, "must be longer than zero");
    }
    return duration;
  }

  /** Any longer time is cut to it, so that it can be taken from every instant there is a clock for. */
  Duration positiveOrForever(String key) {
    var forever = Duration.ofDays(365_000);
    var duration = text(key).equals("forever") ? forever : positive(key);
    return duration.compareTo(forever) > 0 ? forever : duration;
  }

  Duration atMost(String key, Duration most) {
    var duration = positive(key);
    if (duration.compareTo(most) > 0) {
      throw ConfigFault.of(key, "must be at most " + most.toSeconds() + "s");
    }
    return duration;
  }

  List<Duration> durations(String key) {
    var list = read(key, "a list of durations", root::getDurationList);
    if (list.isEmpty() || list.stream().anyMatch(Duration::isNegative)) {
      throw ConfigFault.of(key, "needs one or more durations that are not negative");
    }
    return list;
  }

  private <T> T read(String key, String expected, Function<String, T> getter) {
    known.add(key);
    try {
      return getter.apply(key);
    } catch (ConfigException.Missing missing) {
      throw ConfigFault.of(key, "is missing; expected " + expected);
    } catch (ConfigException.WrongType | ConfigException.BadValue wrong) {
      throw ConfigFault.of(key, "must be " + expected);
    }
  }

  /** @throws ConfigFault naming a key below {@code prefix} that nobody has read */
  void refuseUnknown(String prefix) {
    refuseUnknown(root.getObject(prefix), prefix);
  }

  private void refuseUnknown(ConfigObject object, String prefix) {
    for (var entry : object.entrySet()) {
      var key = prefix + "." + ConfigUtil.joinPath(entry.getKey());
      if (isKnown(key)) {
        if (entry.getValue().valueType() == ConfigValueType.OBJECT) {
          refuseUnknown((ConfigObject) entry.getValue(), key);
        }
      } else {
        throw ConfigFault.of(key, "is not a setting (" + entry.getValue().origin().description() + ")");
      }
    }
  }

  /** A key is known when it was read, or when something below it was. */
  private boolean isKnown(String key) {
    return known.contains(key) || known.stream().anyMatch(read -> read.startsWith(key + "."));
  }
}
