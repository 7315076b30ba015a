package demo;

public class Subject {
    int count;

    static String run() {
        return "old";
    }
}
