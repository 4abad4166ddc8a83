package dev.portcullis.cli;

import java.util.ArrayList;
import java.util.List;

/** Rows under a heading: aligned columns for a person, fields separated by tabs for a script. */
final class Table {
  private static final int CELL_CHARS = 60;

  private final List<List<String>> rows = new ArrayList<>();

  Table(String... heading) {
    rows.add(List.of(heading));
  }

  void row(String... cells) {
    rows.add(List.of(cells).stream().map(Table::printable).toList());
  }

  void print(Console console) {
    if (console.terminal()) {
      rows.forEach(row -> console.line(aligned(row)));
    } else {
      rows.stream().skip(1).forEach(row -> console.line(String.join("\t", row)));
    }
  }

  private String aligned(List<String> row) {
    var line = new StringBuilder();
    for (int column = 0; column < row.size(); column++) {
      line.append(String.format("%-" + width(column) + "s  ", cut(row.get(column))));
    }
    return line.toString().stripTrailing();
  }

  private int width(int column) {
    return rows.stream().mapToInt(row -> cut(row.get(column)).length()).max().orElse(1);
  }

  private static String cut(String cell) {
    return cell.length() <= CELL_CHARS ? cell : cell.substring(0, CELL_CHARS - 1) + "…";
  }

  /** What comes from outside must not move the cursor, end the line or look like what it is not. */
  static String printable(String cell) {
    return Shown.line(cell);
  }
}
