package demo;

public class Subject {
    static String run() {
        switch ("b") {
            case "a": return "old";
            case "b": return "new";
            default: return "?";
        }
    }
}
