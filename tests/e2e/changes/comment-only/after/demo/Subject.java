package demo;

public class Subject {
    // moved down a line
    static String run() {
        return "old";
    }
}
