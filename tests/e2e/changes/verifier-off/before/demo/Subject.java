package demo;

public class Subject {
    static String run() {
        return "old";
    }
}
